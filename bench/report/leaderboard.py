"""The committed leaderboard files: a pure function of the records and of the versions in this code."""

import difflib
import shutil
import sys
from collections.abc import Iterable
from os.path import normpath
from pathlib import Path

import pandas as pd

from attacks.core.files import unreadable, write_atomically
from bench.records.frame import load_records
from bench.report.blocks import Material
from bench.report.claims import load_claims
from bench.report.claims_page import claims_text
from bench.report.csv import csv_text
from bench.report.json import json_text
from bench.report.latex import FULL, latex
from bench.report.markdown import markdown
from bench.report.page.build import linked_files, page_text, without_beside
from bench.report.page.runs import Run, Runs
from bench.report.pages import filled
from bench.report.rating import ratings, tasks_of
from bench.report.summary import Group, groups
from bench.report.tables import ScoreTable, build_tables
from bench.report.terminal import terminal
from bench.report.venues import Format
from bench.report.verdicts import answers


def render(results: Path, out: Path | None = None, form: Format = FULL, *, cache: Path | None = None) -> dict[str, str]:
    """Return the text of every leaderboard file by file name; all of it can be encoded as UTF-8.

    Besides the tables, these are the answers to `claims.toml`, if the folder has one, and the pages with markers.

    Args:
        results: the folder of records.
        out: the folder the files are meant for, if it is another one: the page links only to files below it, and the
            answers to claims have no links.
        form: the print format of the LaTeX tables.
        cache: the cache folder; if given, only records that have changed are read again.

    Raises:
        RequestError: where the folder `results` is missing, or its claims or the markers in a page are wrong.
    """
    frame, runs = _read(results, out or results, cache)
    found = groups(frame)
    return _texts(found, build_tables(found), runs, results, out or results, form)


def write_leaderboard(results: Path, out: Path, form: Format = FULL, *, cache: Path | None = None) -> list[Path]:
    """Write every leaderboard file into `out`, and the README next to it if it has markers; return their paths.

    `cache` is as for `render`.

    Raises:
        RequestError: where there is no folder `results`, or `out` cannot be written.
    """
    return _write(render(results, out, form, cache=cache), out)


def check_leaderboard(results: Path, out: Path, form: Format = FULL) -> str:
    """Return a unified diff from the files in `out` to those generated from the records; empty if they agree.

    All records are read; no cache is used.

    Raises:
        RequestError: where there is no folder `results`, or a file in `out` cannot be read.
    """
    return "".join(_difference(out, name, text) for name, text in render(results, out, form).items())


def _difference(out: Path, name: str, wanted: str) -> str:
    """Return the diff from a file in `out`, or from an empty file if it does not exist."""
    path = out / name
    try:
        found = path.read_bytes().decode(errors="replace") if path.exists() else ""
    except OSError as error:
        raise unreadable(path, error) from error
    lines = difflib.unified_diff(
        without_beside(found).splitlines(keepends=True),
        without_beside(wanted).splitlines(keepends=True),
        fromfile=f"{name} (committed)",
        tofile=f"{name} (from records)",
    )
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def write_and_print(results: Path, keys: Iterable[str], cache: Path) -> None:
    """Write the leaderboard of all records into their folder, and print that of the cells with these keys."""
    frame, runs = _read(results, results, cache)
    found = groups(frame)
    tables = build_tables(found)
    files = _write(_texts(found, tables, runs, results, results, FULL), results)
    asked = frame[frame["key"].isin(list(keys))]
    for table in tables if len(asked) == len(frame) else build_tables(groups(asked)):
        print(terminal(table, width=shutil.get_terminal_size((100, 24)).columns))
    print("wrote " + ", ".join(map(str, files)), file=sys.stderr, flush=True)


def _write(texts: dict[str, str], out: Path) -> list[Path]:
    written = [write_atomically(out / name, text.encode()) for name, text in texts.items()]
    return [Path(normpath(path)) for path in written]  # `README.md`, not `results/../README.md`


def _read(results: Path, out: Path, cache: Path | None) -> tuple[pd.DataFrame, dict[str, Run]]:
    """Return the frame of a folder's records, and what the page shows of each record, by cell key.

    Args:
        results: the folder of records.
        out: the folder the files are meant for; the page links only to files below it.
        cache: as for `load_records`.

    Raises:
        RequestError: where there is no folder `results`.
    """
    runs = Runs(results, out)
    return load_records(results, runs, cache, superseded=True), runs.found


def _texts(
    found: list[Group], tables: list[ScoreTable], runs: dict[str, Run], results: Path, out: Path, form: Format
) -> dict[str, str]:
    rated = ratings(tasks_of(found))
    claims = load_claims(results)
    answered = answers(claims, found) if claims else []
    material = Material(groups=found, tables=tables, answers=answered)
    texts = {
        "leaderboard.md": markdown(tables, rated),
        "leaderboard.csv": csv_text(found, tables),
        "leaderboard.json": json_text(tables, rated, answered),
        "leaderboard.tex": latex(tables, form),
        "index.html": page_text(material, rated, runs, linked_files(out, found)),
        **({"claims.md": claims_text(answered, linked=out.resolve() == results.resolve())} if claims else {}),
    }
    texts |= filled(out, texts, material)
    # a lone surrogate, which JSON can hold and UTF-8 cannot, must not keep all other records from being shown
    return {name: text.encode(errors="replace").decode() for name, text in texts.items()}
