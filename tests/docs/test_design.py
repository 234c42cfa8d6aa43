"""The pages on where things are name every folder, and no file that is not there."""

import re
from pathlib import Path

import pytest

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
