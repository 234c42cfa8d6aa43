"""Tables for papers, in LaTeX with booktabs."""

from collections.abc import Sequence
from itertools import groupby

from bench.report.columns import columns_and_device
from bench.report.tables import APART, LOWEST, Cell, Table
from bench.report.tex import escape
from bench.report.text import range_text, score_text

WIDEST = 5  # columns of scores that fit the width of a page
WIDEST_BESIDE = 3  # likewise, with published values
_HEAD = rf"""% Needs \usepackage{{booktabs}}.
% Bold: {LOWEST}.
% Underlined: the next, likewise; both {APART}."""
_END = "\n\\end{table}\n"


def latex(tables: list[Table]) -> str:
    """Return all tables, each in parts that fit a page."""
    return "\n".join([_HEAD, "", *(part for table in tables for part in _parts(table))])


def _parts(table: Table) -> list[str]:
    """Return a table's scores, a few columns at a time, then what stands beside them, then the notes."""
    caption = "; ".join(filter(None, [table.group, table.title]))
    names = [escape(row.label) for row in table.rows]
    parts = []
    has_bands = any(cell.reported for row in table.rows for cell in row.cells)
    beside_scores = " In brackets: published values." if has_bands else ""
    for chunk in _chunks(table.columns, WIDEST_BESIDE if has_bands else WIDEST):
        heads = _victims_head(table, chunk)
        lines = [[_score(row.cells[index], len(table.seeds)) for index in chunk] for row in table.rows]
        body = _tabular("l" + "r" * len(chunk), heads, names, lines)
        parts.append(_float(f"{caption}. {table.meaning}{beside_scores}", body))
    beside, device = columns_and_device(table)
    if beside:
        head = ["method", *(escape(column.name) for column in beside)]
        lines = [[_number(column.texts[index]) for column in beside] for index in range(len(names))]
        kinds = "l" + "".join("r" if column.is_number else "l" for column in beside)
        parts.append(
            _float(
                f"{caption}: ranking and cost{device and f' on {device}'}.",
                _tabular(kinds, [" & ".join(head)], names, lines),
            )
        )
    notes = "".join(f"\n\\par\\smallskip\\raggedright {escape(note)}" for note in table.notes)
    last = parts.pop()
    return [*parts, last.replace(_END, notes + _END)]


def _chunks(columns: Sequence[tuple[str, ...]], widest: int) -> list[list[int]]:
    """Split columns into runs of at most `widest`, those of one victim together where that can be."""
    chunks: list[list[int]] = [[]]
    for _, run in groupby(range(len(columns)), lambda index: columns[index][:-1]):
        indices = list(run)
        if chunks[-1] and len(chunks[-1]) + len(indices) > widest:
            chunks.append([])
        for index in indices:
            if len(chunks[-1]) == widest:
                chunks.append([])
            chunks[-1].append(index)
    return chunks


def _victims_head(table: Table, chunk: Sequence[int]) -> list[str]:
    """Return the lines of a head: victims over their columns where there are any, then the columns' own names."""
    last = " & ".join(["method", *(escape(table.columns[index][-1]) for index in chunk)])
    runs = [(names, len(list(run))) for names, run in groupby(table.columns[index][:-1] for index in chunk)]
    if not any(names for names, _ in runs):
        return [last]
    over = " & ".join(["", *(rf"\multicolumn{{{width}}}{{c}}{{{escape(', '.join(names))}}}" for names, width in runs)])
    rules, start = [], 2
    for _, width in runs:
        rules.append(rf"\cmidrule(lr){{{start}-{start + width - 1}}}")
        start += width
    return [over, f"{' '.join(rules)}\n{last}"]


def _score(cell: Cell, seeds: int) -> str:
    """Return a score, the best in bold and the second underlined, and what was published of it."""
    text = escape(score_text(cell.score, seeds))
    if cell.best:
        text = rf"\textbf{{{text}}}"
    elif cell.second:
        text = rf"\underline{{{text}}}"
    band = escape(f"[{range_text(cell.reported)}]") if cell.reported else ""
    return rf"{text} {{\scriptsize {band}}}" if band else text


def _number(text: str) -> str:
    """Return a cell beside the scores; a leading minus is one."""
    return f"$-${escape(text[1:])}" if text.startswith("-") else escape(text)


def _tabular(kinds: str, heads: Sequence[str], names: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return the lines of one tabular."""
    head = [f"{line} \\\\" for line in heads]
    body = [f"{' & '.join([name, *line])} \\\\" for name, line in zip(names, lines, strict=True)]
    return "\n".join(
        [rf"\begin{{tabular}}{{{kinds}}}", r"\toprule", *head, r"\midrule", *body, r"\bottomrule", r"\end{tabular}"]
    )


def _float(caption: str, body: str) -> str:
    """Return a tabular with its caption."""
    return (
        "\n".join(
            [
                r"\begin{table}",
                r"\centering\footnotesize\setlength{\tabcolsep}{3.5pt}",
                rf"\caption{{{escape(caption)}}}",
                body,
            ]
        )
        + _END
    )
