import base64
import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.records.frame import load_records
from bench.records.schema import Point, Record, VictimRecord
from bench.records.store import Store
from bench.report.leaderboard import render
from bench.report.page.runs import POINTS, thinned
from bench.report.summary import groups
from bench.report.tables import build_tables
from bench.report.text import printable, score_text

HOSTILE = '</script><img src="x" onerror="alert(1)">@script@&\u2028'


def page(results: Path) -> str:
    return render(results)["index.html"]


def part(text: str, name: str) -> dict[str, Any]:
    (found,) = re.findall(rf'<script type="application/json" id="{name}">(.*?)</script>', text, flags=re.DOTALL)
    return dict(json.loads(found))


def cells(text: str) -> list[dict[str, Any]]:
    data = part(text, "data")
    return [dict(zip(data["cell_fields"], cell, strict=True)) for cell in data["cells"]]


def test_the_numbers_are_those_of_the_tables(results: Path) -> None:
    (table,) = build_tables(groups(load_records(results)))
    wanted = {
        cell.score.cell: (score_text(cell.score, 3), cell.best, cell.second)
        for row in table.rows
        for cell in row.cells
        if cell.score.n or cell.score.failed
    }
    place = ("method", "victim", "training", "rho_a", "countermeasure", "share", "part")
    shown = {tuple(cell[name] for name in place): cell for cell in cells(page(results))}
    assert len(wanted) == 29
    assert {key: (cell["text"], cell["best"], cell["second"]) for key, cell in shown.items()} == wanted
    assert all(len(cell["runs"]) == 3 for cell in shown.values())


def test_every_run_has_its_own_curve(results: Path) -> None:
    text = page(results)
    data, curves = part(text, "data"), part(text, "curves")
    (cell,) = [one for one in cells(text) if (one["method"], one["victim"], one["rho_a"]) == ("clean", "resnet18", 0)]
    runs = [dict(zip(data["run_fields"], run, strict=True)) for run in cell["runs"]]
    assert [run["seed"] for run in runs] == [0, 1, 2]
    ends = [curves["lines"][run["curve"]][1][-1] for run in runs]
    assert ends == pytest.approx([run["accuracy"] for run in runs], abs=0.2)
    assert all(run["file"] is None for run in runs)
    names = [f"r0-s{run['seed']}-{run['key']}.json" for run in runs]
    assert all((results / data["texts"][run["folder"]] / name).is_file() for run, name in zip(runs, names, strict=True))
    assert len(curves["steps"]) == 1


def test_the_same_bytes_whatever_order_the_records_came_in(tmp_path: Path, matrix: list[Record]) -> None:
    for name, records in (("a", matrix), ("b", matrix[::-1])):
        for record in records:
            Store(tmp_path / name).write(record)
    assert page(tmp_path / "a") == page(tmp_path / "b")


def test_hostile_text_stays_data(tmp_path: Path, make_victim: Callable[..., VictimRecord]) -> None:
    record = make_victim("em-fu22", "resnet18", 0.0, 0, 20.0, by=HOSTILE)
    Store(tmp_path).write(record)
    text = page(tmp_path)
    assert printable(HOSTILE) in part(text, "data")["texts"]
    assert text.count("<img") == 1  # of the page itself
    assert text.count("</script>") == 3


def test_datasets_whose_digests_begin_alike_stay_apart(
    tmp_path: Path, make_victim: Callable[..., VictimRecord]
) -> None:
    for seed, last in enumerate("ab"):
        record = make_victim("em-fu22", "resnet18", 0.0, seed, 10.0 + seed, digests={"dataset": "d" * 63 + last})
        Store(tmp_path).write(record)
    text = page(tmp_path)
    assert sorted((cell["group"], cell["mean"]) for cell in cells(text)) in ([(0, 10), (1, 11)], [(0, 11), (1, 10)])
    assert len({group["name"] for group in part(text, "data")["groups"]}) == 2


def test_the_policy_lets_only_its_own_script_and_style_run(results: Path) -> None:
    text = page(results)
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy.startswith("default-src 'none';")
    for directive, pattern in (("script", r"<script>(.*?)</script>"), ("style", r"<style>(.*?)</style>")):
        (inline,) = re.findall(pattern, text, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{directive}-src 'sha256-{digest}';" in policy
    assert not re.findall(r"(?:src|href)\s*=\s*[\"']?(?:https?:)?//", text)


@pytest.mark.parametrize("count", [0, 1, POINTS, POINTS + 1, 1000])
def test_long_curves_are_thinned(count: int) -> None:
    curve = [Point(step=step, accuracy=50.0, loss=1.0) for step in range(count)]
    kept = thinned(curve)
    assert len(kept) == min(count, POINTS)
    assert len({point.step for point in kept}) == len(kept)
    assert [kept[0], kept[-1]] == [curve[0], curve[-1]] if count else not kept
