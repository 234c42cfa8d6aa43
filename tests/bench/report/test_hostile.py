"""Unvalidated records with malicious texts are harmless in every output format."""

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bench.records.frame import load_records
from bench.report import leaderboard
from bench.report.plots.plot_all import plot_all
from bench.report.summary import groups
from bench.report.tables import build_tables
from bench.report.terminal import terminal

FORMULA = re.compile(r"\s*[=+@]|\s*-(?![\d.]+$)")


@pytest.fixture
def texts(hostile: Path) -> dict[str, str]:
    return leaderboard.render(hostile)


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(text.splitlines()))


def test_a_text_of_a_million_characters_is_cut_in_every_file(texts: dict[str, str]) -> None:
    sizes = {name: len(text) for name, text in texts.items()}
    assert sizes.pop("index.html") < 250_000, "of which most is the page's own"
    assert max(sizes.values()) < 100_000, sizes


def test_markdown_holds_no_markup_and_every_cell_is_one(texts: dict[str, str]) -> None:
    text = texts["leaderboard.md"]
    assert not re.search(r"<[a-z/!]", text)
    assert "](" not in text.replace("\\](", "")
    for part in text.split("## Across tables"):
        table = [re.split(r"(?<!\\)\|", line) for line in part.splitlines() if line.startswith("|")]
        assert {len(line) for line in table} == {len(table[0])}
        assert len(table) == 2 + 3


def test_no_cell_of_a_spreadsheet_is_a_formula(hostile: Path, texts: dict[str, str], tmp_path: Path) -> None:
    pages = [texts["leaderboard.csv"]]
    written = list(plot_all(hostile, tmp_path / "plots", ("svg",)))
    pages += [path.read_bytes().decode() for path in written if path.suffix == ".csv"]
    assert len(pages) > 4
    for page in pages:
        assert "\r" not in page
        head, *lines = rows(page)
        assert {len(line) for line in lines} == {len(head)}
        assert not [cell for line in lines for cell in line if FORMULA.match(cell)]


def test_plots_lie_where_they_belong_and_run_nothing(hostile: Path, tmp_path: Path) -> None:
    out = tmp_path / "plots"
    written = list(plot_all(hostile, out, ("svg",)))
    (home,) = {path.parent for path in written}
    assert home.parent == out
    assert re.fullmatch(r"[a-z0-9-]+", home.name)
    assert not any("<script" in path.read_text(encoding="utf-8") for path in written if path.suffix == ".svg")


def test_json_is_json(texts: dict[str, str]) -> None:
    (table,) = json.loads(texts["leaderboard.json"])["tables"]
    assert [row["name"] for row in table["rows"]] == ["clean", "em-fu22", "ops-wu23"]


def test_latex_runs_nothing_of_it(texts: dict[str, str]) -> None:
    text = texts["leaderboard.tex"]
    assert r"\input" not in text
    assert r"\frac" not in text
    assert text.isascii()


class Elements(HTMLParser):
    """Collects the elements of a page, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(tag)


def test_the_page_has_no_element_more(texts: dict[str, str], results: Path) -> None:
    pages = Elements(), Elements()
    for page, text in zip(pages, (texts["index.html"], leaderboard.render(results)["index.html"]), strict=True):
        page.feed(text)
    assert pages[0].found == pages[1].found


def test_the_terminal_shows_lines_of_text_alone(hostile: Path) -> None:
    (table,) = build_tables(groups(load_records(hostile)))
    assert all(line.isprintable() for line in terminal(table).splitlines())
