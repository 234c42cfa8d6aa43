"""The committed leaderboard files: a pure function of the records."""

import difflib
from pathlib import Path

from attacks.files import write_atomically
from bench.records.frame import load_records
from bench.report.csv import csv_text
from bench.report.markdown import markdown
from bench.report.tables import build_tables


def render(results: Path) -> dict[str, str]:
    """Return the text of every leaderboard file by its name.

    Raises:
        RequestError: where there is no folder `results`.
    """
    frame = load_records(results)
    return {"leaderboard.md": markdown(build_tables(frame)), "leaderboard.csv": csv_text(frame)}


def write(results: Path, out: Path) -> list[Path]:
    """Write every leaderboard file into `out` and return their paths.

    Raises:
        RequestError: where there is no folder `results`, or `out` cannot be written.
    """
    return [write_atomically(out / name, text.encode()) for name, text in render(results).items()]


def check(results: Path, out: Path) -> str:
    """Return how the files in `out` differ from what the records give, as a unified diff; empty where they do not.

    Raises:
        RequestError: where there is no folder `results`.
    """
    return "".join(_difference(out / name, text) for name, text in render(results).items())


def _difference(path: Path, wanted: str) -> str:
    """Return the diff from the file at `path`, or from nothing where there is none."""
    found = path.read_bytes().decode(errors="replace") if path.exists() else ""
    lines = difflib.unified_diff(
        found.splitlines(keepends=True),
        wanted.splitlines(keepends=True),
        fromfile=f"{path.name} (committed)",
        tofile=f"{path.name} (from records)",
    )
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
