"""Tables as plain text for a terminal."""

from bench.report.tables import MEANING, Table
from bench.report.text import devices_text, passes_text, score_text, seconds_text

_GAP = "  "


def terminal(table: Table, width: int = 80) -> str:
    """Return a table as lines of at most `width` characters where its columns allow that.

    Columns that do not fit side by side go into blocks below each other; `*` marks the lowest of a column.
    """
    columns = [*_score_columns(table), *_cost_columns(table)]
    names = ["", "method", *(row.method for row in table.rows)]
    left = [_plain(name) for name in names]
    seeds = ", ".join(str(seed) for seed in table.seeds)
    lines = [_plain(table.title), f"{MEANING} (seeds {seeds}; * lowest)"]
    for block in _blocks(columns, width - _width(left)):
        lines += ["", *_lay_out(left, block)]
    devices = sorted({device for row in table.rows for device in row.generation.seconds})
    if devices:
        lines += ["", f"generated on {_plain(' / '.join(devices))}"]
    return "\n".join([*lines, table.note, ""] if table.note else [*lines, ""])


def _score_columns(table: Table) -> list[list[str]]:
    """Return the columns of scores, each with its two lines of head."""
    columns = []
    for index, column in enumerate(table.columns):
        cells = []
        for row in table.rows:
            score = row.scores[index]
            mark = "*" if table.is_best(column, row, score) else " "
            cells.append(score_text(score, len(table.seeds)) + mark)
        columns.append([f"{_plain(column.victim)} ", f"rho_a {column.rho_a:g} ", *cells])
    return columns


def _cost_columns(table: Table) -> list[list[str]]:
    """Return the columns of generation cost."""
    several = len({devices_text(row.generation) for row in table.rows if row.generation.seconds}) > 1
    seconds = [seconds_text(row.generation) for row in table.rows]
    passes = [passes_text(row.generation.passes) for row in table.rows]
    columns = [["generation", "seconds", *seconds], ["image-", "passes", *passes]]
    if several:
        columns.append(["", "device", *(_plain(devices_text(row.generation)) for row in table.rows)])
    return columns


def _blocks(columns: list[list[str]], width: int) -> list[list[list[str]]]:
    """Split columns into runs that fit `width`; a column wider than that is a run of its own."""
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
    """Return the lines of one block: the methods, then its columns, to the right."""
    padded = [[name.ljust(_width(left)) for name in left]]
    padded += [[cell.rjust(_width(column)) for cell in column] for column in block]
    return [_GAP.join(line).rstrip() for line in zip(*padded, strict=True)]


def _width(column: list[str]) -> int:
    """Return the width of the longest cell."""
    return max(len(cell) for cell in column)


def _plain(text: str) -> str:
    """Replace what could drive a terminal: text in records may come from others."""
    return "".join(character if character.isprintable() else "?" for character in text)
