"""LaTeX tables for papers, with booktabs, split into parts that fit a venue's column or text width."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from bench.data import dataset_words
from bench.report.columns import Column, columns_and_device
from bench.report.tables import APART, LOWEST, MEANING, ScoreTable, TableCell
from bench.report.tex import ems, escape_tex
from bench.report.text import EXHAUSTED, OLDER, UNBOUNDED, brief_text, range_text, score_text
from bench.report.venues import Format

FULL = Format(width="full")
POINTS_PER_INCH = 72.27
_SIZES = {"aaai": 9.0}  # AAAI allows no smaller type in tables
_SIZE = 8.0  # points, elsewhere
_GAP = 3.0  # points on each side of a column
_WIDEST_NAME = 0.5  # of the whole width; longer method names wrap
_MARKS = (UNBOUNDED, EXHAUSTED, OLDER)
_BOLD = f"Bold: {LOWEST}; underlined: the second lowest, likewise; both {APART}."
_BRIEF = f"{MEANING}; mean over {{}}, or over the number of seeds in the subscript."
_PRECISIONS = {"bf16": "bfloat16", "fp32": "float32", "fp64": "float64"}
_FOLLOWED = re.compile(r"(\d+\.\d+)(.*)")
_NUMBER = re.compile(r"(-?\d+)(?:\.(\d+))?")


@dataclass(frozen=True, kw_only=True)
class _Column:
    """A column of a table.

    Attributes:
        over: the heading over it and its neighbours; may be empty.
        head: its own heading.
        cells: LaTeX, one per row.
        ems: its maximum width, in ems.
        kind: its column specification in the preamble.
        span: how many LaTeX columns it takes.
    """

    over: str
    head: str
    cells: tuple[str, ...]
    ems: float
    kind: str
    span: int = 1


def latex(tables: Sequence[ScoreTable], form: Format = FULL) -> str:
    """Return all tables, each split into parts that fit the width; for the width `column`, in a brief form.

    The brief form gives means alone, with the number of seeds where it differs from the table's.
    """
    floats = [part for table in tables for part in _floats(table, form)]
    packages = ["booktabs", *(["siunitx"] if any("S[table-format" in part for part in floats) else [])]
    return "\n".join(
        [
            f"% {form.style}, {form.width}: {form.inches:.2f} in wide. Needs \\usepackage{{{','.join(packages)}}}.",
            "",
            *floats,
        ]
    )


def _floats(table: ScoreTable, form: Format) -> Iterator[str]:
    """Yield a table's score columns, as many at a time as fit, then the columns beside them.

    All notes are under the last part; those that explain a mark are under every part that contains it.
    """
    size = _SIZES.get(form.style, _SIZE)
    room = form.inches * POINTS_PER_INCH / size
    labels = [row.label for row in table.rows]
    widest = _WIDEST_NAME * room
    names = _Column(
        over="",
        head="method",
        cells=tuple(map(escape_tex, labels)),
        ems=min(widest, max(map(ems, ["method", *labels]))),
        kind="l",
    )
    if max(map(ems, labels), default=0.0) > widest:
        names = _wrapped(names, labels, size)
    left = room - names.ems - 3 * _GAP / size  # the first column has no gap before it, and the last none after it
    beside, device = columns_and_device(table, brief_text if form.width == "column" else score_text)
    about = _about(table)
    parts = [(chunk, _scores_caption(table, chunk, form)) for chunk in _chunks(_scores(table, form), left, size)]
    others = [_beside(column, left, size) for column in beside]
    on = f" on {device}" if device else ""
    parts += [(chunk, f"Strongest trainer and cost of each method{on}.") for chunk in _chunks(others, left, size)]
    for number, (chunk, caption) in enumerate(parts, start=1):
        label = _slug(table, number)
        body = _tabular([names, *chunk])
        is_last = number == len(parts)
        notes = [note for note in table.notes if is_last or (_explains(note) and escape_tex(note[0]) in body)]
        yield _float(f"{caption} {about}", label, body, notes, form, size)


def _explains(note: str) -> bool:
    """Return whether a note explains a mark, with which it starts."""
    return note.startswith(_MARKS)


def _about(table: ScoreTable) -> str:
    """Describe what a table shows."""
    title = f"{table.title}. " if table.title else ""
    precision = _PRECISIONS.get(table.group.precision, table.group.precision)
    return f"{title}Images: {dataset_words(table.group.dataset)}; protocol {table.group.protocol}, {precision}."


def _slug(table: ScoreTable, number: int) -> str:
    """Return the label of a part: what the table shows, and the number of the part."""
    dataset, digest, *setting = table.group.identity
    words = [dataset, (digest or "")[:8], *setting, table.title, str(number)]
    return "tab:" + "-".join(filter(None, (re.sub(r"[^a-z0-9]+", "-", word.lower()).strip("-") for word in words)))


def _scores_caption(table: ScoreTable, chunk: Sequence[_Column], form: Format) -> str:
    """Explain the numbers."""
    count = len(table.seeds)
    seeds = f"{count} seed" if count == 1 else f"{count} seeds"
    text = _BRIEF.format(seeds) if form.width == "column" else table.meaning
    cells = "".join(cell for column in chunk for cell in column.cells)
    marked = _BOLD if r"\textbf" in cells or r"\underline" in cells else ""
    published = "Small: published values." if r"\scriptsize" in cells else ""
    return " ".join(filter(None, [text, marked, published]))


def _scores(table: ScoreTable, form: Format) -> list[_Column]:
    """Return the columns of scores; in the brief form, what follows a number does not shift it."""
    columns = []
    for index, names in enumerate(table.columns):
        cells = [row.cells[index] for row in table.rows]
        plain = [_plain(cell, len(table.seeds), form) for cell in cells]
        column = _Column(
            over=", ".join(names[:-1]),
            head=escape_tex(names[-1]),
            cells=tuple(_score(cell, text) for cell, text in zip(cells, plain, strict=True)),
            ems=max(map(ems, [names[-1], *plain])),
            kind="r",
        )
        columns.append(_aligned(column, cells, plain) if form.width == "column" else column)
    return columns


def _plain(cell: TableCell, seeds: int, form: Format) -> str:
    """Return a score and its published values as plain text."""
    text = (brief_text if form.width == "column" else score_text)(cell.score, seeds)
    return f"{text} [{range_text(cell.reported)}]" if cell.reported else text


def _score(cell: TableCell, plain: str) -> str:
    """Return a score in LaTeX: the best in bold, the second underlined, published values small."""
    text, bracket, band = plain.partition(" [")
    number = escape_tex(text)
    if cell.best:
        number = rf"\textbf{{{number}}}"
    elif cell.second:
        number = rf"\underline{{{number}}}"
    return number + _small(bracket + band)


def _small(text: str) -> str:
    """Return a text in LaTeX, with the published values in it small."""
    text, bracket, band = text.partition(" [")
    return escape_tex(text) + (rf" {{\scriptsize {escape_tex(f'[{band}')}}}" if bracket else "")


def _aligned(column: _Column, cells: Sequence[TableCell], plain: Sequence[str]) -> _Column:
    """Return a column split in two: numbers aligned to the right, and whatever follows them."""
    parts = [_FOLLOWED.fullmatch(text) for text in plain]
    before, after = (max((ems(match[part]) for match in parts if match), default=0.0) for part in (1, 2))
    texts = [
        f"{_score(cell, match[1])}&{_small(match[2])}"
        if match
        else f"{escape_tex(text)}&"
        if ems(text) <= before
        else rf"\multicolumn{{2}}{{r}}{{{escape_tex(text)}}}"
        for cell, text, match in zip(cells, plain, parts, strict=True)
    ]
    head = rf"\multicolumn{{2}}{{c}}{{{column.head}}}"
    width = max(column.ems, before + after)
    return replace(column, head=head, cells=tuple(texts), ems=width, kind="r@{}l", span=2)


def _beside(source: Column, room: float, size: float) -> _Column:
    """Return a column beside the scores: numbers of several precisions aligned at the point, long texts wrapped."""
    words, side = list(filter(None, source.head)), "r" if source.is_number else "l"
    head = rf"\shortstack[{side}]{{{words[0]}\\{words[1]}}}" if len(words) == 2 else words[0]
    found = [_NUMBER.fullmatch(text) for text in source.texts]
    digits = [(len(match[1]), len(match[2] or "")) for match in found if match]
    cells = tuple(map(escape_tex, source.texts))
    column = _Column(over="", head=head, cells=cells, ems=max(map(ems, [*words, *source.texts])), kind=side)
    if source.is_number and len({after for _, after in digits}) > 1:
        before, after = (max(lengths) for lengths in zip(*digits, strict=True))
        cells = tuple(match[0] if match else f"{{{cell}}}" for cell, match in zip(cells, found, strict=True))
        width = max(column.ems, ems("0" * (before + after) + "."))
        return replace(column, head=f"{{{head}}}", cells=cells, ems=width, kind=f"S[table-format={before}.{after}]")
    most = room - 2 * _GAP / size
    return column if column.ems <= most else _wrapped(replace(column, ems=most), source.texts, size)


def _wrapped(column: _Column, texts: Sequence[str], size: float) -> _Column:
    """Return a column in which texts wider than it wrap onto several lines."""
    start = rf"\parbox[t]{{{column.ems * size:.0f}pt}}{{\raggedright\strut "
    cells = tuple(
        rf"{start}{cell}\strut}}" if ems(text) > column.ems else cell
        for text, cell in zip(texts, column.cells, strict=True)
    )
    return replace(column, cells=cells)


def _chunks(columns: Sequence[_Column], room: float, size: float) -> list[list[_Column]]:
    """Split columns into runs that fit, keeping those of one victim together where possible."""
    chunks: list[list[_Column]] = [[]]
    for _, run in groupby(columns, lambda column: column.over):
        together = list(run)
        if chunks[-1] and _extent([*chunks[-1], *together], size) > room:
            chunks.append([])
        for column in together:
            if chunks[-1] and _extent([*chunks[-1], column], size) > room:
                chunks.append([])
            chunks[-1].append(column)
    return [chunk for chunk in chunks if chunk]


def _extent(columns: Sequence[_Column], size: float) -> float:
    """Return the total width of columns with their gaps, in ems."""
    runs = [(over, list(run)) for over, run in groupby(columns, lambda column: column.over)]
    gap = 2 * _GAP / size
    return sum(max(ems(over) + gap, sum(column.ems + gap for column in run)) for over, run in runs)


def _head(columns: Sequence[_Column]) -> list[str]:
    """Return the lines of a table's head: headings over several columns, if any, then the columns' own headings."""
    last = " & ".join(column.head for column in columns)
    if not any(column.over for column in columns):
        return [last]
    over, rules, start = [], [], 1
    for name, run in groupby(columns, lambda column: column.over):
        width = sum(column.span for column in run)
        over.append(rf"\multicolumn{{{width}}}{{c}}{{{escape_tex(name)}}}" if name else "&" * (width - 1))
        rules += [rf"\cmidrule(lr){{{start}-{start + width - 1}}}"] if name else []
        start += width
    return [" & ".join(over), f"{' '.join(rules)}\n{last}"]


def _tabular(columns: Sequence[_Column]) -> str:
    """Return one tabular, without space outside its outer columns."""
    head = [f"{line} \\\\" for line in _head(columns)]
    rows = zip(*(column.cells for column in columns), strict=True)
    body = [f"{' & '.join(row)} \\\\" for row in rows]
    kinds = "".join(column.kind for column in columns)
    start = rf"\begin{{tabular}}{{@{{}}{kinds}@{{}}}}"
    return "\n".join([start, r"\toprule", *head, r"\midrule", *body, r"\bottomrule", r"\end{tabular}"])


def _float(caption: str, label: str, body: str, notes: Sequence[str], form: Format, size: float) -> str:
    """Return a float: a tabular with its caption, its label and its notes.

    In the brief form only notes that explain a mark are printed; the others become comments.
    """
    kind = "table*" if form.spans else "table"
    lines = [
        rf"\begin{{{kind}}}\setlength{{\belowcaptionskip}}{{4pt}}",
        rf"\caption{{{escape_tex(caption)}}}",
        rf"\label{{{label}}}",
        r"\centering",
    ]
    lines += [rf"\fontsize{{{size:g}}}{{{size * 1.2:g}}}\selectfont\setlength{{\tabcolsep}}{{{_GAP:g}pt}}", body]
    for note in notes:
        is_printed = form.width == "full" or _explains(note)
        lines.append(rf"\par\smallskip\raggedright {escape_tex(note)}" if is_printed else f"% {escape_tex(note)}")
    return "\n".join([*lines, rf"\end{{{kind}}}", ""])
