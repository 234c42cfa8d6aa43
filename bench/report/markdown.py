"""Tables as GitHub markdown."""

import re
from collections.abc import Container, Sequence

from bench.report.columns import columns_beside
from bench.report.rating import RULES, Rated
from bench.report.statistics import decimals
from bench.report.tables import APART, LOWEST, ScoreTable
from bench.report.text import MISSING, printable, score_text, with_bands

_SPECIAL = re.compile(r"[\\`*|\[\]~$]")
_OUTER_UNDERSCORE = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")

_ACROSS = (
    f"{RULES} In brackets: the rating's 95% bootstrap interval over tasks. Tasks: how many a method was measured at. "
    "Then the share of wins against each other method, over the tasks that both have (in brackets); a tie counts half."
)


def markdown(tables: list[ScoreTable], rated: list[Rated]) -> str:
    """Return the page with all tables, and the ratings of methods across them."""
    sections = [_section(table) for table in tables]
    sections += [_across(rated)] if rated else []
    return "\n".join(["# Leaderboard\n", *(sections or ["No records yet.\n"])])


def _across(rated: list[Rated]) -> str:
    """Return the ratings of the methods and how often each beats each other."""
    names = [one.method for one in rated]
    columns = [(["method", *map(escape_markdown, names)], False)]
    columns.append((["rating", *(_rating(one) for one in rated)], True))
    columns.append((["tasks", *(f"{one.tasks}/{one.of_tasks}" for one in rated)], True))
    for name in names:
        texts = [one.wins_text(name) or MISSING for one in rated]
        columns.append(([f"beats {escape_markdown(name)}", *texts], True))
    return "\n".join(["## Across tables", "", _ACROSS, "", *layout(columns), ""])


def _rating(one: Rated) -> str:
    text = decimals(one.rating, 0)
    return text if one.low is None or one.high is None else f"{text} [{decimals(one.low, 0)}, {decimals(one.high, 0)}]"


def escape_markdown(text: str) -> str:
    """Escape text from a record for a table cell or a heading: it shows as it is and cannot end its cell."""
    text = printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _OUTER_UNDERSCORE.sub(r"\_", _SPECIAL.sub(r"\\\g<0>", text))


def _section(table: ScoreTable) -> str:
    """Return one table with its header and its notes."""
    columns = [(["method", *(escape_markdown(row.label) for row in table.rows)], False)]
    columns += [(_score_column(table, index), True) for index in range(len(table.columns))]
    for column in columns_beside(table):
        columns.append(([column.name, *(escape_markdown(text) for text in column.texts)], column.is_number))
    heading = f"### {escape_markdown(table.title)}" if table.title else f"## {escape_markdown(table.group.title)}"
    meaning = f"{table.meaning} Bold: {LOWEST}, {APART}."
    notes = [*(f"- {escape_markdown(note)}" for note in table.notes), ""] if table.notes else []
    return "\n".join([heading, "", meaning, "", *layout(columns), "", *notes])


def _score_column(table: ScoreTable, index: int) -> list[str]:
    """Return a column of scores with its header: the best in bold, with published values next to the scores."""
    cells = [row.cells[index] for row in table.rows]
    texts = [score_text(cell.score, len(table.seeds)) for cell in cells]
    if any(cell.best for cell in cells):  # next to a bold score, two spaces make up for the closing stars
        texts = [f"**{text}**" if cell.best else f"{text}  " for text, cell in zip(texts, cells, strict=True)]
    head = ", ".join(escape_markdown(name) for name in table.columns[index])
    return [head, *with_bands(texts, [cell.reported for cell in cells])]


def table_of(heads: Sequence[str], lines: Sequence[Sequence[str]], numbers: Container[str]) -> str:
    """Lay out lines below their headers; columns whose headers are in `numbers` are right-aligned."""
    columns = zip(*lines, strict=True) if lines else [() for _ in heads]
    found = zip(heads, columns, strict=True)
    return "\n".join(layout([([head, *map(escape_markdown, texts)], head in numbers) for head, texts in found]))


def layout(columns: list[tuple[list[str], bool]]) -> list[str]:
    """Return the lines of a table whose columns, each starting with its header, are aligned in the source as well."""
    padded = []
    for cells, is_right in columns:
        width = max(3, *(len(cell) for cell in cells))
        head, *rest = [cell.rjust(width) if is_right else cell.ljust(width) for cell in cells]
        padded.append([head, "-" * (len(head) - 1) + (":" if is_right else "-"), *rest])
    return [f"| {' | '.join(line)} |" for line in zip(*padded, strict=True)]
