"""The page as one HTML file."""

import base64
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from attacks.methods import METHODS
from bench.config.axes import AXES
from bench.config.load import load_grid, shipped
from bench.config.models import Grid
from bench.data import NAMES, Places, entries
from bench.data.local_tree import LocalTree
from bench.report.page.data import page_data
from bench.report.page.runs import Run
from bench.report.summary import Group
from bench.report.tables import Table

DATA = Path("~/.cache/unlearnable-bench/data")  # where it usually is
# In this order; each uses those before it.
_SCRIPTS = ("dom", "data", "state", "filters", "table", "methods", "cells", "chart", "again", "details", "copy", "main")
_POLICY = (
    "default-src 'none'; script-src {script}; style-src {style}; img-src 'self' data:; base-uri 'none'; "
    "form-action 'none'"
)


def page_text(groups: Sequence[Group], tables: Sequence[Table], runs: Mapping[str, Run]) -> str:
    """Return the page of groups of results.

    It loads nothing from elsewhere, and its policy forbids that: only its own script and style run, by their digests.
    Pictures of noise are shown where they lie beside it, in `plots`.

    Args:
        groups: of results.
        tables: of `build_tables` of the same groups.
        runs: by the keys of their cells.
    """
    data, curves = page_data(groups, tables, runs)
    # what everybody has by its name, so that a command is enough to run it again
    known = {"datasets": NAMES, "methods": tuple(METHODS), "grids": _grids(), "data": str(DATA), "fetch": _fetches()}
    script = '"use strict";\n' + "\n".join(_read(f"script/{name}.js") for name in _SCRIPTS)
    style = _read("style.css")
    parts = {
        "policy": _POLICY.format(script=_source(script), style=_source(style)),
        "style": style,
        "reading": _read("reading.html"),
        "data": _json(data | {"known": known}),
        "curves": _json(curves),
        "script": script,
    }
    # split, not replaced: the data may hold what looks like the name of a part
    first, *rest = _read("template.html").split("@")
    return first + "".join(parts.get(piece, piece) for piece in rest)


def _grids() -> dict[str, list[str]]:
    """Return for each shipped protocol its largest grid, and what `--set` has to change there for a cell of any."""
    grids = sorted((load_grid(name)[0] for name in shipped("grids")), key=_size)
    return {grid.protocol: [grid.name, *(["'exclude=[]'"] if grid.exclude else [])] for grid in grids}


def _size(grid: Grid) -> int:
    return math.prod(len(getattr(grid, axis.listed)) for axis in AXES if axis.listed)


def _fetches() -> dict[str, str]:
    """Return what to fetch for the datasets that neither come with the benchmark nor are downloaded by it."""
    trees = (known for known in entries(Places(data=DATA, cache=DATA)) if isinstance(known, LocalTree))
    return {tree.name: f"{tree.root}: {tree.fetch}" for tree in trees if tree.name in NAMES}


def _json(data: Mapping[str, object]) -> str:
    """Write JSON that can stand inside an HTML element: nothing in it ends the element or begins another.

    Every entry has a line of its own, and every item where it is a list, so that two pages can be compared.
    """
    entries = [f"{_compact(name)}:{_in_lines(value)}" for name, value in data.items()]
    return "{" + ",\n".join(entries) + "}"


def _in_lines(value: object) -> str:
    return "[" + ",\n".join(map(_compact, value)) + "]" if isinstance(value, list) else _compact(value)


def _compact(value: object) -> str:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e")


def _source(text: str) -> str:
    """Name an inline script or style by its digest, as a content security policy does."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _read(name: str) -> str:
    return files("bench.report.page").joinpath(name).read_text(encoding="utf-8")
