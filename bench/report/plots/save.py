"""Write figures and their tables to files, the same bytes for the same figure."""

import io
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from attacks.core.errors import unknown
from attacks.core.files import write_atomically
from bench.report.plots.page import DEFAULT, Page

# The metadata in which each format would otherwise store a date.
_UNDATED: dict[str, dict[str, None]] = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}

FORMATS = tuple(_UNDATED)


def save(
    figure: Figure, table: pd.DataFrame, stem: Path, formats: Sequence[str] = FORMATS, page: Page = DEFAULT
) -> list[Path]:
    """Write `figure` as `stem` plus one suffix per format, and its `table` as CSV; return the paths.

    Raises:
        RequestError: for a format that is none of `FORMATS`, or where the files cannot be written.
    """
    check_formats(formats)
    with page.drawing():
        figure.draw_without_rendering()
    figure.set_layout_engine("none")  # one layout for all formats, computed once
    contents = {name: _encode(figure, name, page) for name in formats}
    contents["csv"] = table.to_csv(index=False, lineterminator="\n").encode()
    return [write_atomically(stem.with_name(f"{stem.name}.{kind}"), data) for kind, data in contents.items()]


def check_formats(formats: Sequence[str]) -> None:
    """Refuse an unknown format.

    Raises:
        RequestError: for a format that is none of `FORMATS`.
    """
    for name in formats:
        if name not in FORMATS:
            raise unknown("plot format", name, FORMATS)


def _encode(figure: Figure, name: str, page: Page) -> bytes:
    """Return the bytes of a figure in one format."""
    buffer = io.BytesIO()
    with page.drawing():
        figure.savefig(buffer, format=name, metadata=_UNDATED[name])
    return buffer.getvalue()
