import base64
import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.records.frame import load_records
from bench.records.schema import Point, VictimRecord
from bench.records.store import Store
from bench.report.leaderboard import render
from bench.report.page.packed import packed
from bench.report.page.runs import POINTS, thinned
from bench.report.summary import groups
from bench.report.tables import build_tables
from bench.report.text import printable, score_text

Rows = Callable[[dict[str, Any]], list[dict[str, Any]]]
HOSTILE = '</script><img src="x" onerror="alert(1)">@script@&\u2028'


def page(results: Path) -> str:
    return render(results)["index.html"]


def part(text: str, name: str) -> dict[str, Any]:
    (found,) = re.findall(rf'<script type="application/json" id="{name}">(.*?)</script>', text, flags=re.DOTALL)
    return dict(json.loads(found))


@pytest.fixture
def cells(rows_of: Rows) -> Callable[[str], list[dict[str, Any]]]:
    return lambda text: rows_of(part(text, "data")["cells"])


@pytest.mark.parametrize(
    ("values", "form"),
    [
        (["a", "b", "c"], ["a", "b", "c"]),
        ([*[None] * 9, 1.5], {"usual": None, "others": {"9": 1.5}}),
        (["long word", "other word"] * 9, {"values": ["long word", "other word"], "at": [0, 1] * 9}),
        ([0, 0.0, False, "0", [0]], [0, 0.0, False, "0", [0]]),
        ([{"a": 1}] * 9, {"usual": {"a": 1}, "others": {}}),
    ],
    ids=["different", "mostly nothing", "repeated", "that Python takes for equal", "all the same"],
)
def test_a_column_has_the_shortest_form_and_leads_back(rows_of: Rows, values: list[Any], form: Any) -> None:
    table = packed([{"x": value} for value in values])
    assert table == {"count": len(values), "columns": {"x": form}}
    back = rows_of(json.loads(json.dumps(table)))
    assert [json.dumps(row["x"]) for row in back] == [json.dumps(value) for value in values]


def test_no_rows_have_no_columns(rows_of: Rows) -> None:
    assert rows_of(packed([])) == []


def test_the_numbers_are_those_of_the_tables(results: Path, cells: Callable[..., Any]) -> None:
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
    assert {
        key: (cell["text"], cell["mark"] == "best", cell["mark"] == "second") for key, cell in shown.items()
    } == wanted
    assert all(cell["runs"] == 3 for cell in shown.values())


def test_every_run_has_its_own_curve_and_record(results: Path, cells: Callable[..., Any], rows_of: Rows) -> None:
    text = page(results)
    runs, curves = rows_of(part(text, "data")["runs"]), rows_of(part(text, "curves"))
    owners = [cell for cell in cells(text) for _ in range(cell["runs"])]
    assert len(owners) == len(runs) == len(curves) == 87
    found = [
        (run, curve)
        for owner, run, curve in zip(owners, runs, curves, strict=True)
        if (owner["method"], owner["victim"], owner["rho_a"]) == ("clean", "resnet18", 0)
    ]
    assert [run["seed"] for run, _ in found] == [0, 1, 2]
    ends = [curve["accuracies"][-1] for _, curve in found]
    assert ends == pytest.approx([run["accuracy"] for run, _ in found], abs=0.5)
    names = [f"records/synthetic/clean/resnet18/r0-s{run['seed']}-{run['key']}.json" for run, _ in found]
    assert all((results / name).is_file() for name in names)
    assert all((run["below"], run["file"]) == ("", None) for run, _ in found)


def test_hostile_text_stays_data(tmp_path: Path, make_victim: Callable[..., VictimRecord], rows_of: Rows) -> None:
    record = make_victim("em-fu22", "resnet18", 0.0, 0, 20.0, by=HOSTILE)
    Store(tmp_path).write(record)
    text = page(tmp_path)
    (run,) = rows_of(part(text, "data")["runs"])
    assert run["origin"]["by"] == printable(HOSTILE)
    assert text.count("<img") == 1  # the page's own
    assert text.count("</script>") == 3


def test_datasets_whose_digests_begin_alike_stay_apart(
    tmp_path: Path, make_victim: Callable[..., VictimRecord], cells: Callable[..., Any]
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
