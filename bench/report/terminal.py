"""Tables as plain text for a terminal."""

import textwrap

from bench.report.columns import columns_and_device
from bench.report.tables import MEANING, ScoreTable
from bench.report.text import score_text, with_bands

_GAP = "  "


def terminal(table: ScoreTable, width: int = 80) -> str:
    """Return a table as lines of at most `width` characters, if its columns allow.

    Columns that do not fit side by side are split into blocks; `*` marks the lowest score of a column.
    """
    beside, device = columns_and_device(table)
    columns = _score_columns(table)
    columns += [[*column.head, *(_plain(text) for text in column.texts)] for column in beside]
    names = ["", "method", *(row.label for row in table.rows)]
    left = [_plain(name) for name in names]
    seeds = ", ".join(str(seed) for seed in table.seeds)
    title = f"{table.group.title}; {table.title}" if table.title else table.group.title
    count = "1 seed" if len(table.seeds) == 1 else f"{len(table.seeds)} seeds"
    lines = [*textwrap.wrap(_plain(title), width), f"{MEANING} ({count}: {seeds}; * = lowest beyond doubt)"]
    for block in _blocks(columns, width - _width(left)):
        lines += ["", *_lay_out(left, block)]
    foot = []
    if device:
        foot.append(f"generated on {_plain(device)}")
    for note in table.notes:
        foot += textwrap.wrap(_plain(note), width, subsequent_indent="  ")
    return "\n".join([*lines, *(["", *foot] if foot else []), ""])


def _score_columns(table: ScoreTable) -> list[list[str]]:
    """Return the columns of scores, each with two header lines."""
    columns = []
    for index, names in enumerate(table.columns):
        cells = [row.cells[index] for row in table.rows]
        texts = [score_text(cell.score, len(table.seeds)) + ("*" if cell.best else " ") for cell in cells]
        *upper, lower = [f"{_plain(name)} " for name in names]
        columns.append(["".join(upper), lower, *with_bands(texts, [cell.reported for cell in cells])])
    return columns


def _blocks(columns: list[list[str]], width: int) -> list[list[list[str]]]:
    """Split columns into runs that fit `width`; a wider column forms a run by itself."""
    blocks: list[list[list[str]]] = [[]]
    used = 0
    for column in columns:
        needed = len(_GAP) + _width(column)
        if blocks[-1] and used + needed > width:
            blocks.append([])
            used = 0
        blocks[-1].append(column)
        used += needed
    return blocks


def _lay_out(left: list[str], block: list[list[str]]) -> list[str]:
    """Return the lines of one block: the method names, then its columns, right-aligned."""
    padded = [[name.ljust(_width(left)) for name in left]]
    padded += [[cell.rjust(_width(column)) for cell in column] for column in block]
    lines = [_GAP.join(line).rstrip() for line in zip(*padded, strict=True)]
    return [line for line in lines if line]  # the first is empty if no column name has two parts


def _width(column: list[str]) -> int:
    """Return the width of the longest cell."""
    return max(len(cell) for cell in column)


def _plain(text: str) -> str:
    """Replace characters that could control the terminal: text in records may come from others."""
    return "".join(character if character.isprintable() else "?" for character in text)
