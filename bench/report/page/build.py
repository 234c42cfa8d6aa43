"""The leaderboard page as one HTML file."""

import base64
import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from importlib.metadata import PackageNotFoundError, metadata
from importlib.resources import files
from pathlib import Path

from attacks.methods import METHODS
from bench import __version__
from bench.config.axes import AXES
from bench.config.load import base_of, load_grid, shipped
from bench.config.models import Grid
from bench.data import NAMES, Places, entries
from bench.report.bibtex import bibtex_of_suite
from bench.report.blocks import Material
from bench.report.page.data import page_data
from bench.report.page.packed import compact
from bench.report.page.runs import Run
from bench.report.rating import Rated
from bench.report.summary import Group
from victims.networks.weights.packaged import LITE0

DATA = Path("~/.cache/unlearnable-bench/data")  # the usual place
# In this order; each uses those before it.
_SCRIPTS = (
    *("dom", "packed", "data", "state", "filters", "table", "methods", "cells", "lists", "front"),
    *("chart", "again", "details", "cards", "copy", "main"),
)
# Pages of the repository, relative to `results/`.
_LINKS = (
    ("Repository", "../README.md"),
    ("Guide to the tables", "../docs/read-the-leaderboard.md"),
    ("Add a method", "../docs/add-a-method.md"),
    ("Contribute results", "../CONTRIBUTING.md"),
    ("Changes", "../CHANGELOG.md"),
    ("Licence (MIT)", "../LICENSE"),
)
_BESIDE = re.compile(r'\{"beside":.*?(?=^"groups":)', flags=re.DOTALL | re.MULTILINE)
_POLICY = (
    "default-src 'none'; script-src {script}; style-src {style}; img-src 'self' data:; base-uri 'none'; "
    "form-action 'none'"
)


@dataclass(frozen=True, kw_only=True)
class LinkedFiles:
    """Everything that a page may link to.

    Attributes:
        pictures: paths of noise pictures below the page, by group name.
        links: (title, path or address) of the repository's pages.
    """

    pictures: Mapping[str, Sequence[str]]
    links: Sequence[tuple[str, str]]


def linked_files(out: Path, groups: Sequence[Group]) -> LinkedFiles:
    """Find everything that a page in `out` may link to."""
    pictures = {}
    for group in groups:
        folder = out / "plots" / group.name
        found = sorted([*folder.glob("noise/*.png"), *folder.glob("contact_sheet.png")])
        pictures[group.name] = [path.relative_to(out).as_posix() for path in found]
    links = [(title, path) for title, path in _LINKS if (out / path).is_file()]
    return LinkedFiles(pictures=pictures, links=[*links, *addresses()])


def addresses() -> list[tuple[str, str]]:
    """Return the names and addresses in `[project.urls]` of `pyproject.toml`, the only place that states them."""
    try:
        stated = metadata("unlearnable-bench").get_all("Project-URL") or []
    except PackageNotFoundError:
        return []
    pairs = [entry.partition(", ") for entry in stated]
    return [(name, address) for name, _, address in pairs if address.startswith("https://")]


def without_beside(page: str) -> str:
    """Return a page without its links to separately drawn pictures and to the repository's pages."""
    return _BESIDE.sub("", page)


def page_text(material: Material, rated: Sequence[Rated], runs: Mapping[str, Run], around: LinkedFiles) -> str:
    """Return the page for groups of results.

    It loads nothing from elsewhere; its content security policy admits only its own script and style, by digest.

    Args:
        material: groups of results, their tables, and answers to claims.
        rated: the ratings of methods across tables.
        runs: the runs, by cell key.
        around: everything that the page may link to.
    """
    data, curves = page_data(material, rated, runs)
    # what everybody can refer to by name, so that a command suffices to rerun a cell
    known = {
        "datasets": NAMES,
        "methods": tuple(METHODS),
        "weights": (LITE0.name,),
        "grids": _grids(),
        "data": str(DATA),
        "fetch": _fetches(),
    }
    script = '"use strict";\n' + "\n".join(_unadorned(_read(f"script/{name}.js")) for name in _SCRIPTS)
    style = _unadorned(re.sub(r"\s*/\*.*?\*/", "", _read("style.css"), flags=re.DOTALL))
    newest = max((run.finished for run in runs.values()), default="")
    parts = {
        "policy": _POLICY.format(script=_source(script), style=_source(style)),
        "style": style,
        "picture": _picture(),
        "reading": _read("reading.html"),
        "version": f"Version {__version__}",
        "state": escape(
            f"{len(runs):,} record{'s' * (len(runs) != 1)}, the newest of {newest}" if newest else "No records yet"
        ),
        "cite": escape(bibtex_of_suite()),
        "data": _json({"beside": asdict(around), **data, "known": known}),
        "curves": _json(curves),
        "script": script,
    }
    # split, not replaced: the data may contain text that looks like the name of a part
    first, *rest = _read("template.html").split("@")
    return first + "".join(parts.get(piece, piece) for piece in rest)


def _grids() -> dict[str, list[str]]:
    """Return a grid to run each shipped protocol with, its largest if it has any, and the changes to `--set`."""
    grids = sorted((load_grid(name)[0] for name in shipped("grids")), key=_size)
    of = {grid.protocol: [grid.name, *(["'exclude=[]'"] if grid.exclude else [])] for grid in grids}
    others = [name for name in shipped("protocols") if name not in of]
    return of | {name: [*of.get(base_of(name), ["smoke"]), f"protocol={name}"] for name in others}


def _size(grid: Grid) -> int:
    return math.prod(len(getattr(grid, axis.listed)) for axis in AXES if axis.listed)


def _fetches() -> dict[str, str]:
    """Return what to fetch for each dataset that the benchmark neither ships nor downloads."""
    ours = (known for known in entries(Places(data=DATA, cache=DATA)) if known.name in NAMES)
    return {known.name: text for known in ours if (text := getattr(known, "to_fetch", None))}


def _unadorned(source: str) -> str:
    """Strip whole-line comments and indentation, a fifth of a script's size."""
    lines = (line.strip() for line in source.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def _picture() -> str:
    """Return the picture of the first screen as a data URL.

    It shows a crop of *Chelsea the cat* (Stefan van der Walt, CC0, from scikit-image) at 128 pixels, the noise that
    `protect --method em-fu22-aligned --protocol smoke-v1` made for it and three other photos, amplified 16 times around
    grey, and their sum.
    """
    data = files("bench.report.page").joinpath("example.webp").read_bytes()
    return f"data:image/webp;base64,{base64.b64encode(data).decode()}"


def _json(data: Mapping[str, object]) -> str:
    """Return JSON that is safe inside an HTML element: nothing in it can close the element or open another.

    Every entry, and every item of an entry that is a list, is on its own line, so that two pages can be compared.
    """
    text = _in_lines(data, 3)
    return text.replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e")


def _in_lines(value: object, depth: int) -> str:
    """Return JSON with a line per entry or item, nested entries included down to `depth`."""
    if isinstance(value, Mapping) and depth:
        return "{" + ",\n".join(f"{compact(name)}:{_in_lines(entry, depth - 1)}" for name, entry in value.items()) + "}"
    if isinstance(value, list) and depth:
        return "[" + ",\n".join(map(compact, value)) + "]"
    return compact(value)


def _source(text: str) -> str:
    """Return the digest by which a content security policy names an inline script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _read(name: str) -> str:
    return files("bench.report.page").joinpath(name).read_text(encoding="utf-8")
