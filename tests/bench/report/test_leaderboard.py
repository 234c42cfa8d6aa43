import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from attacks.core.errors import RequestError
from bench.cli import main
from bench.records import kept
from bench.records.frame import load_records
from bench.records.schema import NoiseRecord, Record, VictimRecord
from bench.records.store import Store
from bench.report import leaderboard
from bench.report.markdown import escape_markdown
from bench.report.rating import RULES
from bench.report.summary import groups
from bench.report.tables import build_tables
from bench.report.terminal import terminal
from bench.report.text import passes_text
from bench.seal import seal


def cells(text: str) -> list[list[str]]:
    """Return the cells of a markdown page's table rows, header included, before the table across tables."""
    rows = [line for line in text.partition("## Across tables")[0].splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows if "---" not in row]


def test_the_markdown_table(results: Path) -> None:
    head, *rows = cells(leaderboard.render(results)["leaderboard.md"])
    assert head[:4] == ["method", "resnet18, rho_a 0", "resnet18, rho_a 2", "resnet18, rho_a 4"]
    assert head[7:13] == ["strongest trainer", "which trainer", "without noise", "minus clean", "trainers", "rank"]
    assert head[13:] == ["generation s", "image-passes", "peak GiB", "device"]
    assert [row[0] for row in rows] == ["clean", "random", "em-fu22", "rem-fu22", "sem-liu24"]
    by_method = {row[0]: row[1:] for row in rows}
    assert by_method["clean"][0] == "94.75 (94.00\N{EN DASH}95.50)"
    assert by_method["em-fu22"][0] == "**15.75 (15.00\N{EN DASH}16.50)**"
    assert by_method["em-fu22"][5] == "failed"
    assert by_method["rem-fu22"][5] == "\N{EN DASH}"
    assert by_method["sem-liu24"][5:] == [
        "**34.75 (34.00\N{EN DASH}35.50)**",
        "34.75 (34.00\N{EN DASH}35.50)",
        "vgg16_bn, rho_a 4",
        "89.95",
        "-55.20 \\[-55.22, -55.18\\]",
        "6/6",
        "1",
        "391",
        "39.0M",
        "0.50",
        "Synthetic GPU",
    ]
    assert by_method["em-fu22"][6:9] == ["83.75 (83.00\N{EN DASH}84.50)", "resnet18, rho_a 4", "89.95"]
    assert by_method["em-fu22"][10:12] == ["5/6", "3"]
    assert by_method["clean"][9:12] == ["\N{EN DASH}", "6/6", "\N{EN DASH}"]


def test_the_page_states_the_rules_of_ratings_as_the_table_does(results: Path) -> None:
    texts = leaderboard.render(results)
    assert f"\n{RULES} In brackets: " in texts["leaderboard.md"]
    (data,) = re.findall(r'id="data">(.*?)</script>', texts["index.html"], re.DOTALL)
    assert json.loads(data)["rating_rules"] == RULES


def test_the_source_of_the_table_is_aligned(results: Path) -> None:
    table, _, across = leaderboard.render(results)["leaderboard.md"].partition("## Across tables")
    for part in (table, across):
        assert len({len(line) for line in part.splitlines() if line.startswith("|")}) == 1
    column = [line.split("|")[2] for line in table.splitlines() if line.startswith("|") and "(" in line]
    assert len({cell.index("(") for cell in column}) == 1


def test_a_reference_is_never_best(tmp_path: Path, make_victim: Callable[..., VictimRecord]) -> None:
    store = Store(tmp_path)
    for method, accuracy in (("clean", 50.0), ("random", 5.0), ("em-fu22", 20.0), ("rem-fu22", 30.0)):
        for seed in range(3):
            store.write(make_victim(method, "resnet18", 0.0, seed, accuracy))
    rows = cells(leaderboard.render(tmp_path)["leaderboard.md"])[1:]
    assert [row[1].partition(" ")[0] for row in rows] == ["50.00", "5.00", "**20.00", "30.00"]


def test_fewer_seeds_than_the_table_has_are_stated(tmp_path: Path, make_victim: Callable[..., VictimRecord]) -> None:
    store = Store(tmp_path)
    for seed in range(3):
        store.write(make_victim("clean", "resnet18", 0.0, seed, 90.0))
    store.write(make_victim("em-fu22", "resnet18", 0.0, 0, 20.0))
    store.write(make_victim("em-fu22", "resnet18", 0.0, 1, 0.0, status="failed", metrics=None))
    _, clean, method = cells(leaderboard.render(tmp_path)["leaderboard.md"])
    assert clean[1] == "90.00 (90.00\N{EN DASH}90.00)"
    assert method[1] == "20.00 (n=1, 1 failed)"


def test_the_csv_holds_the_same_numbers(results: Path) -> None:
    lines = list(csv.DictReader(io.StringIO(leaderboard.render(results)["leaderboard.csv"])))
    by_cell = {(line["method"], line["victim"], line["rho_a"]): line for line in lines}
    assert len(by_cell) == len(lines) == 29
    done = by_cell["sem-liu24", "vgg16_bn", "4"]
    assert [done[name] for name in ("n", "mean", "sd", "generation_passes")] == ["3", "34.7500", "0.7500", "39000000"]
    assert [done[name] for name in ("ci95_low", "ci95_high", "lowest_seed", "worst_seed")] == [
        "",
        "",
        "34.0000",
        "35.5000",
    ]
    assert [done[name] for name in ("next95_low", "next95_high")] == ["31.0238", "38.4762"]
    assert [done[name] for name in ("strongest", "trainers", "of_trainers", "best_rank", "worst_rank")] == [
        "34.7500",
        "6",
        "6",
        "1",
        "1",
    ]
    assert (done["trust"], done["generation_peak_memory"]) == ("self-reported", str(2**29))
    assert (done["generation_seconds"], done["generation_device"]) == ("391.000", "Synthetic GPU")
    failed = by_cell["em-fu22", "vgg16_bn", "4"]
    assert [failed[name] for name in ("n", "mean", "sd", "failed")] == ["0", "", "", "3"]


def test_the_same_bytes_whatever_order_the_records_came_in(tmp_path: Path, matrix: list[Record]) -> None:
    for name, records in (("a", matrix), ("b", matrix[::-1])):
        store = Store(tmp_path / name)
        for record in records:
            store.write(record)
    assert leaderboard.render(tmp_path / "a") == leaderboard.render(tmp_path / "b")


@pytest.mark.parametrize(
    "machine",
    [
        {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONHASHSEED": "7", "TZ": "UTC"},
        {"LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8", "PYTHONHASHSEED": "8", "TZ": "Asia/Kolkata", "COLUMNS": "40"},
    ],
    ids=["plain", "german"],
)
def test_the_same_bytes_on_another_machine(tmp_path: Path, results: Path, machine: dict[str, str]) -> None:
    command = [sys.executable, "-m", "bench", "leaderboard", "--results", str(results), "--out", str(tmp_path)]
    subprocess.run(command, env=os.environ | machine, check=True, capture_output=True)
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert written == {name: text.encode() for name, text in leaderboard.render(results, tmp_path).items()}


def test_check_is_empty_until_a_record_changes(
    tmp_path: Path, results: Path, make_victim: Callable[..., VictimRecord]
) -> None:
    results = shutil.copytree(results, tmp_path / "results")
    assert "+# Leaderboard" in leaderboard.check_leaderboard(results, results)
    written = {path.name for path in leaderboard.write_leaderboard(results, results)}
    assert written >= {f"leaderboard.{kind}" for kind in ("md", "csv", "json", "tex")}
    assert leaderboard.check_leaderboard(results, results) == ""
    changed = make_victim("clean", "resnet18", 0.0, 0, 10.0)
    Store(results).path(changed.cell).unlink()
    Store(results).write(changed)
    diff = leaderboard.check_leaderboard(results, results)
    assert re.search(r"^-\| clean .*94\.75", diff, flags=re.MULTILINE)
    assert max(map(len, diff.splitlines())) < 5000
    assert re.search(r"^\+.*,clean,resnet18,supervised,0,standard,100,all,3,66\.7500", diff, flags=re.MULTILINE)


def test_the_same_bytes_where_records_were_read_before(
    tmp_path: Path, results: Path, make_victim: Callable[..., VictimRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "FEWEST", 1)
    monkeypatch.setattr(kept, "SETTLED", -1)
    results, cache = shutil.copytree(results, tmp_path / "results"), tmp_path / "cache"
    words = ["leaderboard", "--results", str(results), "--out", str(tmp_path / "out"), "--cache", str(cache)]
    for seed in (7, 8, None):
        assert main(words) == 0
        (kept_file,) = (cache / "records").iterdir()
        assert kept_file.stat().st_size > 1000
        written = {path.name: path.read_text() for path in (tmp_path / "out").iterdir()}
        assert written == leaderboard.render(results, tmp_path / "out")
        if seed:
            Store(results).write(make_victim("clean", "resnet18", 0.0, seed, 10.0))


def test_check_refuses_a_folder_in_the_place_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "leaderboard.md").mkdir()
    with pytest.raises(RequestError, match=r"cannot read .*leaderboard.md: Is a directory; check the path"):
        leaderboard.check_leaderboard(tmp_path, tmp_path)


def test_an_empty_folder_and_a_missing_one(tmp_path: Path) -> None:
    assert "No records yet." in leaderboard.render(tmp_path)["leaderboard.md"]
    with pytest.raises(RequestError, match="typo"):
        leaderboard.render(tmp_path / "typo")


def test_names_are_escaped() -> None:
    assert escape_markdown("a|b\n<i>&`c`") == r"a\|b &lt;i&gt;&amp;\`c\`"
    assert escape_markdown("wide_resnet_ **x** [y](z)") == r"wide_resnet\_ \*\*x\*\* \[y\](z)"


def test_hostile_text_in_a_record_stays_in_its_cell(
    tmp_path: Path, make_noise: Callable[..., NoiseRecord], make_victim: Callable[..., VictimRecord]
) -> None:
    noise = make_noise("em-fu22", 0, 1000)
    hostile = noise.environment.model_copy(update={"device": "=GPU|<b>\n| x\x1b[2J HALF" + "x" * 10**6})
    store = Store(tmp_path)
    store.write(noise.model_copy(update={"environment": hostile}))
    path = store.path(noise.cell)
    path.write_bytes(seal(json.loads(path.read_text(encoding="utf-8").replace("HALF", "\\ud800"))))
    store.write(make_victim("em-fu22", "resnet18", 0.0, 0, 20.0))
    head, row = cells(leaderboard.render(tmp_path)["leaderboard.md"])
    assert len(row) == len(head)
    assert "<b>" not in row[-1]
    assert len(row[-1]) < 200
    leaderboard.write_leaderboard(tmp_path, tmp_path)
    assert (tmp_path / "leaderboard.csv").stat().st_size < 10_000
    (line,) = csv.DictReader(io.StringIO(leaderboard.render(tmp_path)["leaderboard.csv"]))
    assert line["generation_device"].startswith("'=")
    assert "\x1b" not in terminal(build_tables(groups(load_records(tmp_path)))[0])


@pytest.mark.parametrize("digest", ["=1+1", "\r=1+1", " \t@x", "+1\r2,3", "-" + "1" * 10**6])
def test_no_digest_is_a_formula_or_several_cells_of_a_spreadsheet(
    tmp_path: Path, make_victim: Callable[..., VictimRecord], digest: str
) -> None:
    Store(tmp_path).write(make_victim("em-fu22", "resnet18", 0.0, 0, 20.0, digests={"dataset": digest}))
    text = leaderboard.render(tmp_path)["leaderboard.csv"]
    assert "\r" not in text
    (line,) = csv.DictReader(io.StringIO(text))
    assert line["dataset_digest"].startswith("'")
    assert len(line["dataset_digest"]) <= 121


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_terminal_form_fits_and_loses_nothing(results: Path, width: int) -> None:
    text = terminal(build_tables(groups(load_records(results)))[0], width)
    table = [line for line in text.splitlines()[2:] if not line.startswith("generated")]
    assert max(len(line) for line in table) <= width
    assert len(re.findall(r"\d\d \(\d\d\.\d\d.\d\d\.\d\d\)", text)) == 5 * 6 - 2 + 5
    assert text.count("*") - 1 == 6
    assert "5/6" in text
    assert "failed" in text
    assert "390M" in text


@pytest.mark.parametrize(
    ("passes", "text"), [(0, "0"), (999, "999"), (1000, "1.00k"), (39e6, "39.0M"), (999.6e6, "1.00G"), (None, "\u2013")]
)
def test_passes_have_three_digits(passes: float | None, text: str) -> None:
    assert passes_text(passes) == text
