"""Tables as GitHub markdown."""

import re

from bench.report.tables import MEANING, Column, Row, Table
from bench.report.text import devices_text, passes_text, score_text, seconds_text

_SPECIAL = re.compile(r"[\\`*|\[\]~$]")
_OUTER_UNDERSCORE = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")


def markdown(tables: list[Table]) -> str:
    """Return the page of all tables."""
    sections = [_section(table) for table in tables]
    return "\n".join(["# Leaderboard\n", *(sections or ["No records yet.\n"])])


def escape(text: str) -> str:
    """Make text from a record safe in a table cell or a heading: it shows as it is and cannot end its cell."""
    text = "".join(character if character.isprintable() else " " for character in text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _OUTER_UNDERSCORE.sub(r"\_", _SPECIAL.sub(r"\\\g<0>", text))


def _section(table: Table) -> str:
    """Return one table with its header."""
    head = ["method", *(_heading(column) for column in table.columns), "generation s", "image-passes", "device"]
    right = [False, *(True for _ in table.columns), True, True, False]
    body = [
        [
            escape(row.method),
            *_score_cells(table, row),
            seconds_text(row.generation),
            passes_text(row.generation.passes),
            escape(devices_text(row.generation)),
        ]
        for row in table.rows
    ]
    lines = [f"## {escape(table.title)}", "", _explanation(table), "", *_layout(head, body, right), ""]
    return "\n".join([*lines, table.note, ""] if table.note else lines)


def _explanation(table: Table) -> str:
    """Return what the numbers of a table are."""
    count = len(table.seeds)
    if count > 1:
        spread = f"mean ± sample standard deviation over n = {count} seeds, unless a cell says otherwise"
    else:
        spread = "n = 1 seed, so no spread is known"
    return f"{MEANING}; {spread}. Bold: the lowest in its column, references (clean, random) apart."


def _heading(column: Column) -> str:
    """Return the head of a column."""
    return f"{escape(column.victim)}, rho_a {column.rho_a:g}"


def _score_cells(table: Table, row: Row) -> list[str]:
    """Return a row's scores, the best in bold."""
    cells = []
    for column, score in zip(table.columns, row.scores, strict=True):
        text = score_text(score, len(table.seeds))
        cells.append(f"**{text}**" if table.is_best(column, row, score) else text)
    return cells


def _layout(head: list[str], body: list[list[str]], right: list[bool]) -> list[str]:
    """Return the lines of a table whose columns are aligned in the source as well."""
    columns = [_align(cells, is_right) for cells, is_right in zip(zip(head, *body, strict=True), right, strict=True)]
    rule = [
        "-" * (len(cells[0]) - 1) + (":" if is_right else "-") for cells, is_right in zip(columns, right, strict=True)
    ]
    first, *rest = zip(*columns, strict=True)
    return [f"| {' | '.join(line)} |" for line in (first, rule, *rest)]


def _align(cells: tuple[str, ...], is_right: bool) -> list[str]:
    """Pad the cells of one column to one width; beside a bold cell, two blanks stand for the closing stars."""
    if is_right and any(cell.endswith("**") for cell in cells):
        cells = tuple(cell if cell.endswith("**") else f"{cell}  " for cell in cells)
    width = max(3, *(len(cell) for cell in cells))
    return [cell.rjust(width) if is_right else cell.ljust(width) for cell in cells]
