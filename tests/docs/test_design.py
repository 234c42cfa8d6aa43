"""Pages and tools that list parts of the code name every part, and only existing ones."""

import re
from pathlib import Path

import pytest

from bench.cli.listing import TABLES

ROOT = Path(__file__).parents[2]
FILE = re.compile(r"`((?:attacks|victims|bench|tests)/[\w/.]+)`")


@pytest.mark.parametrize("page", ["docs/design.md", "CONTRIBUTING.md"])
def test_the_files_of_a_page_are_there(page: str) -> None:
    named = FILE.findall((ROOT / page).read_text(encoding="utf-8"))
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize(
    ("page", "start", "end"),
    [("docs/design.md", "## Layers", "## The path"), ("CONTRIBUTING.md", "## Where things are", "## Adding")],
)
def test_every_folder_is_on_the_page(page: str, start: str, end: str) -> None:
    part = (ROOT / page).read_text(encoding="utf-8").partition(start)[2].partition(end)[0]
    for package in ("attacks", "victims", "bench"):
        folders = {path.parent.name for path in (ROOT / package).glob("*/__init__.py")}
        assert folders
        assert {name for name in folders if not re.search(rf"\b{name}\b", part)} == set()


def test_the_picture_of_the_layers_has_every_part() -> None:
    part = (ROOT / "docs/design.md").read_text(encoding="utf-8").partition("## Layers")[2].partition("## The path")[0]
    lines = [line.split("  ")[0] for line in re.sub(r"(?m)^    (\w+| {7}) +", "", part).splitlines()]
    named = {name for line in lines for name in line.split(", ")}
    parts = {path for package in ("attacks", "victims", "bench") for path in (ROOT / package).glob("[a-z]*")}
    assert {path.stem for path in parts if path.name != "py.typed"} - named == set()


def test_the_readme_names_all_that_can_be_listed() -> None:
    first, others = re.findall(r"bench list (\w+) +# or (.+)", (ROOT / "README.md").read_text(encoding="utf-8"))[0]
    assert {first, *others.split(", ")} == set(TABLES)


def test_the_api_pages_have_every_part() -> None:
    parts = {f"bench.{path.stem}" for path in (ROOT / "bench").glob("[a-z]*") if path.name != "py.typed"}
    named = set(re.findall(r"\bbench\.\w+", (ROOT / "tox.ini").read_text(encoding="utf-8").rpartition("pdoc")[2]))
    assert named == parts
