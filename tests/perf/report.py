"""Turn the JSON of the benchmarks into a page: `python tests/perf/report.py BENCHMARK.json PAGE.md`."""

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import quantiles
from typing import Any

Row = dict[str, Any]
TITLES = {
    "frozen": "bare frozen passes",
    "training": "bare training passes",
    "step": "step",
    "plain": "plain loop",
    "victim": "victim step",
}
GOALS = {"resnet18": 9.0, "resnet18-w16": 4.0}  # a step's rate relative to the plain loop's
FUSED_GOALS = {"resnet18": 1.4, "resnet18-w8": 1.3}
GIB = 2**30


def main(source: Path, page: Path) -> None:
    """Write the page."""
    data = json.loads(source.read_text(encoding="utf-8"))
    if data["machine_info"]["short"]:
        sys.exit(f"{source} is of a --short run, whose numbers mean nothing; run without it")
    rows = [one["extra_info"] | {"stats": one["stats"]} for one in data["benchmarks"]]
    sections = [_head(data), _rates(rows), _ratios(rows), _paired(rows), _levers(rows), _around(rows), _memory(rows)]
    page.write_text("\n\n".join(section for section in sections if section) + "\n", encoding="utf-8")


def _head(data: Row) -> str:
    machine = data["machine_info"]
    versions = ", ".join(f"{name} {machine['versions'][name]}" for name in ("torch", "timm", "numpy"))
    commit = f"{(machine['commit'] or 'unknown')[:12]}{' with changes' if machine['dirty'] else ''}"
    return (
        "# Speed\n\n"
        f"Measured in one run by `tox -e perf` on {machine['device']}, {machine['threads']} threads; {versions}; "
        f"{machine['platform']}; commit {commit}; {data['datetime'][:10]}. Medians over n rounds; IQR is the distance "
        "between the quartiles. Numbers are those of `paper-v1` (bf16, batch 128), 32 pixels."
    )


def _of(rows: Iterable[Row], *roles: str) -> list[Row]:
    return [row for row in rows if row["role"] in roles]


def _rate(row: Row) -> float:
    return float(row["image_passes"] / row["stats"]["median"])


def _rates(rows: list[Row]) -> str:
    found = [row for row in _of(rows, *TITLES) if "network" in row]
    body = [
        (
            row["network"],
            " ".join([row.get("work", ""), TITLES[row["role"]]]).strip(),
            *_stats(row),
            f"{_rate(row):,.0f}",
        )
        for row in sorted(found, key=lambda row: row["network"])
    ]
    return _table("Image-passes per second", ("network", "what", "n", "median s", "IQR s", "image-passes/s"), body)


def _ratios(rows: list[Row]) -> str:
    bare = {(row["role"], row["network"]): row for row in _of(rows, "frozen", "training")}
    plain = {(row["work"], row["network"]): row for row in _of(rows, "plain") if "network" in row}
    body = []
    for row in _of(rows, "step"):
        network = row["network"]
        name = f"{row['work']} step, {network}"
        if frozen := bare.get(("frozen", network)):
            body.append((name, "rate over that of the bare frozen passes", f"{_rate(row) / _rate(frozen):.2f}", "0.90"))
        if slow := plain.get((row["work"], network)):
            goal = f"{GOALS[network]:g}"
            body.append((name, "rate over that of the plain loop", f"{_rate(row) / _rate(slow):.2f}", goal))
    for row in _of(rows, "victim"):
        network, attack = row["network"], row["attack_passes"]
        if ("frozen", network) in bare and ("training", network) in bare:
            needed = attack / _rate(bare["frozen", network])
            needed += (row["image_passes"] - attack) / _rate(bare["training", network])
            share = f"{needed / row['stats']['median']:.2f}"
            body.append(
                (
                    f"{row['work']}, {network}",
                    "time of its bare passes over its own",
                    share,
                    "0.90" if attack else "0.85",
                )
            )
    return _table("Against the bare passes and the plain loop", ("what", "ratio", "measured", "goal"), body)


def _paired(rows: list[Row]) -> str:
    body = []
    for row in _of(rows, "paired"):
        low, middle, high = quantiles(row["ratios"], n=4, method="inclusive")
        goal = f"{FUSED_GOALS[row['network']]:g}"
        numbers = (str(len(row["ratios"])), f"{middle:.2f}", f"{low:.2f} to {high:.2f}", goal)
        calls = " to ".join(str(count) for count in row.get("calls", ()))
        body.append((row["work"], row["network"], *numbers, calls))
    head = ("what", "network", "n", "times as fast", "quartiles", "goal", "calls of operators, plain to fused")
    return _table("Fused convolutions against the plain twin, in rounds that alternate (steps: `lite-v1`)", head, body)


def _levers(rows: list[Row]) -> str:
    plain = {row["work"]: row for row in _of(rows, "plain") if "network" not in row}
    body = [
        (
            row["work"],
            *_stats(row),
            *_stats(plain[row["work"]])[1:],
            f"{_median(plain[row['work']]) / _median(row):.2f}",
        )
        for row in _of(rows, "lever")
        if row["work"] in plain
    ]
    head = ("lever", "n", "median s", "IQR s", "plain: median s", "IQR s", "times as fast")
    return _table("Each lever against the plain way (resnet18-w16)", head, body)


def _around(rows: list[Row]) -> str:
    body = [(row["work"], *_stats(row), str(row.get("limit", ""))) for row in _of(rows, "around")]
    return _table("Around the networks", ("what", "n", "median s", "IQR s", "goal s"), body)


def _memory(rows: list[Row]) -> str:
    body = [(row["work"], f"{row['peak_bytes'] / GIB:.2f}") for row in _of(rows, "memory")]
    return _table("Peak memory beyond the framework's own", ("what", "GiB"), body)


def _median(row: Row) -> float:
    return float(row["stats"]["median"])


def _stats(row: Row) -> tuple[str, str, str]:
    stats = row["stats"]
    return str(stats["rounds"]), f"{stats['median']:.4g}", f"{stats['iqr']:.2g}"


def _table(title: str, head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table under its title, or an empty string if it has no rows."""
    if not body:
        return ""
    lines = [head, ["---"] * len(head), *body]
    return "\n".join([f"## {title}", "", *(f"| {' | '.join(line)} |" for line in lines)])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
