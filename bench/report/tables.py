"""Leaderboard tables as data; the renderers only lay them out."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from attacks.methods.clean import CLEAN
from bench.config.axes import ALL, AXIS, FIELDS, SCORED, Axis, place
from bench.records.trust import TIERS, Tier
from bench.report.generations import Generation, generations
from bench.report.notes import (
    on_bounds,
    on_budgets,
    on_devices,
    on_older_records,
    on_passes,
    on_reported,
    on_standings,
    on_trust,
)
from bench.report.reported.beside import Band, Bands, bands
from bench.report.standing import Standing, standings, tiers, two_lowest
from bench.report.statistics import FEWEST
from bench.report.summary import Group, Score, in_table_order, usual, usual_but
from bench.report.text import UNBOUNDED

MEANING = "Clean test accuracy in %, lower means better protection"
LOWEST = (
    "lowest beyond doubt (95% intervals of its differences from clean and from every other method measured since the "
    "trainer's last correction exclude zero)"
)
APART = "excluding references (clean, random) and methods not bounded by rho_u"  # never marked as best
UNPROTECTED = "unprotected part alone"


@dataclass(frozen=True, kw_only=True)
class TableCell:
    """A score with its marks and its published values.

    Attributes:
        best: whether it is the lowest of its column beyond doubt (`two_lowest`), excluding references and noise not
            bounded by `rho_u`.
        second: whether it is the second lowest, likewise.
        reported: the published values of its cell.
    """

    score: Score
    best: bool
    second: bool
    reported: Band | None


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of a table.

    Attributes:
        name: a method, or another label in its place.
        generation: what the method's noise cost, and what bounds it; None if the line is not a method's.
        standing: the method's standing over all its cells; in the main table only.
        trust: the lowest trust tier of its records, likewise.
    """

    name: str
    cells: tuple[TableCell, ...]
    generation: Generation | None
    standing: Standing | None = None
    trust: Tier | None = None

    @property
    def label(self) -> str:
        """The name, marked if the noise may leave `rho_u`."""
        return f"{self.name}{UNBOUNDED}" if self.generation and self.generation.bound else self.name


@dataclass(frozen=True, kw_only=True)
class ScoreTable:
    """Scores of one group of results.

    Attributes:
        title: what this table of the group shows; empty for the main table.
        columns: their names, each in one or two parts.
        notes: the notes under the table, in plain text.
    """

    group: Group
    title: str
    seeds: tuple[int, ...]
    columns: tuple[tuple[str, ...], ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]

    @property
    def meaning(self) -> str:
        """What the numbers mean."""
        count = len(self.seeds)
        if count < 2:
            return f"{MEANING}; n = 1 seed, so the spread is unknown."
        few = "the lowest and the worst (highest) seed in brackets"
        if count >= FEWEST:
            few += f"; from {FEWEST} seeds on, ± half-width of the mean's 95% interval (Student's t) and the worst seed"
        return f"{MEANING}; mean over n = {count} seeds, unless the cell states another n, with {few}."

    @property
    def costs(self) -> tuple[Generation, ...]:
        """What each row's noise cost; empty except in the main table."""
        return () if self.title else tuple(row.generation for row in self.rows if row.generation)

    @property
    def trust(self) -> tuple[Tier | None, ...]:
        """The trust tier of each row; empty if all of them are self-reported."""
        found = tuple(row.trust for row in self.rows)
        return found if set(found) - {TIERS[0], None} else ()

    @property
    def standings(self) -> tuple[Standing | None, ...]:
        """The standing of each row; empty if no row has one."""
        found = tuple(row.standing for row in self.rows)
        return found if any(found) else ()


@dataclass(frozen=True, kw_only=True)
class _Draft:
    """A table before it is filled in: the rows of records it covers, and the scores that it asks for.

    Attributes:
        shown: the names of the lines to show; all if None. Hidden lines still count when the lowest of a column is
            determined.
    """

    title: str
    rows: pd.DataFrame
    columns: Sequence[tuple[str, ...]]
    lines: Sequence[tuple[str, Sequence[Score]]]
    shown: Container[str] | None = None


def build_tables(groups: Iterable[Group]) -> list[ScoreTable]:
    """Return the tables of each group of results, the main one first.

    The sources of published values are listed once, under the last table of a group.
    """
    tables = []
    for group in groups:
        made = {generation.method: generation for generation in generations(group.rows)}
        published = bands(group.dataset, group.protocol)
        along = [draft for axis in SCORED if axis.table for draft in _along(axis, group.rows)]
        drafts = [_main(group), *along, *_shares(group.rows)]
        finished = [_finish(draft, group, made, published) for draft in drafts]
        shown = [cell.reported for table in finished for row in table.rows for cell in row.cells if cell.reported]
        last = finished.pop()
        tables += [*finished, replace(last, notes=(*last.notes, *on_reported(shown)))]
    return tables


def _main(group: Group) -> _Draft:
    """Return a row per method and a column per victim and radius."""
    rows = usual(group.rows)
    places = sorted(set(zip(rows["victim"], rows["rho_a"], strict=True)))
    lines = [
        (method, [Score(cell=place(method=method, victim=victim, rho_a=rho_a)) for victim, rho_a in places])
        for method in in_table_order(group.rows["method"])
    ]
    columns = [(victim, AXIS["rho_a"].word(rho_a)) for victim, rho_a in places]
    return _Draft(title="", rows=rows, columns=columns, lines=lines)


def _along(axis: Axis, rows: pd.DataFrame) -> Iterator[_Draft]:
    """Yield tables with a column per value of an axis, wherever it has other values than the usual one."""
    by = [other.field for other in SCORED if other.field in {"victim", "rho_a", *axis.beside}]
    for where, here in _split(usual_but(rows, axis.field, *axis.beside), by):
        values = sorted(set(here[axis.field]), key=lambda value: (value != axis.usual, value))
        if values == [axis.usual]:
            continue
        at = dict(zip(by, where, strict=True))
        lines = [
            (method, [Score(cell=place(method=method, **at, **{axis.field: value})) for value in values])
            for method in in_table_order(here["method"])
        ]
        columns = [(axis.text(value),) for value in values]
        tried = {CLEAN.name, *here.loc[here[axis.field] != axis.usual, "method"]}  # others have a single column
        yield _Draft(title=f"{axis.table}: {_words(at)}", rows=here, columns=columns, lines=lines, shown=tried)


def _words(at: Mapping[str, Any]) -> str:
    """Describe what a table is restricted to; usual values are left out."""
    return ", ".join(filter(None, (AXIS[field].word(value) for field, value in at.items())))


def _shares(rows: pd.DataFrame) -> Iterator[_Draft]:
    """Yield, for each victim, training, radius and countermeasure with several shares, a table with a column for each.

    With nothing protected all methods are the same, so `clean` represents them.
    """
    by = [axis.field for axis in SCORED if axis.field not in {"method", "share", "part"}]
    for where, here in _split(rows, by):
        if (here["share"] == ALL).all():
            continue
        at = dict(zip(by, where, strict=True))
        nothing = Score(cell=place(method=CLEAN.name, **at))
        cells = set(zip(*(here[field] for field in FIELDS), strict=True))
        shares = sorted({0 if cell == nothing.cell else cell[FIELDS.index("share")] for cell in cells})
        parts = [(method, method, "all") for method in in_table_order(here["method"]) if method != CLEAN.name]
        lines = [
            (
                name,
                [
                    Score(cell=place(method=method, **at, share=share, part=part)) if share else nothing
                    for share in shares
                ],
            )
            for name, method, part in [*parts, (UNPROTECTED, CLEAN.name, "unprotected")]
        ]
        title = f"Share of protected training images: {_words(at)}"
        yield _Draft(title=title, rows=here, columns=[(f"{share}%",) for share in shares], lines=lines)


def _split(rows: pd.DataFrame, by: list[str]) -> Iterator[tuple[Any, pd.DataFrame]]:
    yield from rows.groupby(by)


def _finish(draft: _Draft, group: Group, made: Mapping[str, Generation], published: Bands) -> ScoreTable:
    """Fill in the available scores, the best of each column and the published values, and write the notes."""
    known = {score.cell: score for score in group.scores}
    filled = [[known.get(asked.cell, asked) for asked in line] for _, line in draft.lines]
    apart = [method for method, generation in made.items() if generation.bound]
    lowest = [two_lowest(column, apart, group.pool) for column in zip(*filled, strict=True)]
    standing = {} if draft.title else standings(group)
    trust = {} if draft.title else tiers(group.rows)
    rows = []
    for (name, _), line in zip(draft.lines, filled, strict=True):
        if draft.shown is not None and name not in draft.shown:
            continue
        cells = []
        for score, (best, second) in zip(line, lowest, strict=True):
            reported = published.get(score.cell)
            cells.append(TableCell(score=score, best=score is best, second=score is second, reported=reported))
        row = Row(name=name, cells=tuple(cells), generation=made.get(name))
        rows.append(replace(row, standing=standing.get(name), trust=trust.get(name)))
    shown = [row.generation for row in rows if row.generation]
    notes = on_bounds(shown)
    if not draft.title:
        notes += (
            on_budgets(shown)
            + on_passes(shown)
            + on_devices(shown)
            + on_trust(trust.values(), list(group.rows["trust"]))
        )
    in_view = [cell.score for row in rows for cell in row.cells]
    in_view += [one for row in rows if row.standing for one in (row.standing.strongest, row.standing.clean) if one]
    older = sum(score.older for score in {score.cell: score for score in in_view}.values())
    notes += on_older_records(older, 0 if draft.title else group.left_out)
    if not draft.title:
        notes = on_standings(standing.values()) + notes
    seen = draft.rows if draft.shown is None else draft.rows[[name in draft.shown for name in draft.rows["method"]]]
    return ScoreTable(
        group=group,
        title=draft.title,
        seeds=tuple(sorted({int(seed) for seed in seen["seed"]})),
        columns=tuple(draft.columns),
        rows=tuple(rows),
        notes=tuple(notes),
    )
