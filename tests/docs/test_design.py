"""Pages and tools that list parts of the code name every part, and only existing ones."""

import re
from pathlib import Path

import pytest

from bench.cli.listing import TABLES

ROOT = Path(__file__).parents[2]
PACKAGES = ("attacks", "victims", "bench")
FILE = re.compile(r"`((?:attacks|victims|bench|tests)/[\w/.]+)`")


@pytest.mark.parametrize("page", ["docs/design.md", "CONTRIBUTING.md"])
def test_the_files_of_a_page_are_there(page: str) -> None:
    named = FILE.findall((ROOT / page).read_text(encoding="utf-8"))
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def listed(page: str, start: str, end: str, line: str) -> set[tuple[str, str]]:
    """Return the parts of packages in a part of a page, each with its package.

    Args:
        page: the page.
        start, end: what encloses the part.
        line: matches the beginning of a line; its groups are the package, on the package's first line, and the parts.
    """
    text = (ROOT / page).read_text(encoding="utf-8").partition(start)[2].partition(end)[0]
    found, package = set(), ""
    for first, names in re.findall(line, text, re.MULTILINE):
        package = first or package
        found |= {(package, name) for name in names.split(", ") if name}
    return {(package, name) for package, name in found if package in PACKAGES}


def test_contributing_lists_every_folder() -> None:
    folders = {(path.parts[-3], path.parts[-2]) for name in PACKAGES for path in (ROOT / name).glob("*/__init__.py")}
    found = listed("CONTRIBUTING.md", "## Where things are", "## Adding", r"^    (?:(\w+)/|  (\w+)/) ")
    assert found == folders


def test_the_picture_of_the_layers_has_every_part() -> None:
    parts = {(name, path.stem) for name in PACKAGES for path in (ROOT / name).glob("[a-z]*") if path.suffix != ".typed"}
    found = listed("docs/design.md", "## Layers", "## The path", r"^    (\w*) +(\w+(?:, \w+)*)  ")
    assert found == parts


def test_the_readme_names_all_that_can_be_listed() -> None:
    first, others = re.findall(r"bench list (\w+) +# or (.+)", (ROOT / "README.md").read_text(encoding="utf-8"))[0]
    assert {first, *others.split(", ")} == set(TABLES)


def test_the_api_pages_have_every_part() -> None:
    parts = {f"bench.{path.stem}" for path in (ROOT / "bench").glob("[a-z]*") if path.name != "py.typed"}
    named = set(re.findall(r"\bbench\.\w+", (ROOT / "tox.ini").read_text(encoding="utf-8").rpartition("pdoc")[2]))
    assert named == parts
