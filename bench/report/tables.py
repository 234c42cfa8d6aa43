"""Leaderboard tables as data; the renderers only lay them out."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from bench.report.summary import REFERENCES, Generation, Group, Score, generations, groups, scores
from bench.report.text import percent

MEANING = "Clean test accuracy in %, lower means better protection"


@dataclass(frozen=True, kw_only=True)
class Column:
    """A victim trained at one radius, in 1/255."""

    victim: str
    rho_a: float


@dataclass(frozen=True, kw_only=True)
class Row:
    """A method's scores, one per column, and what its noise cost."""

    method: str
    scores: tuple[Score, ...]
    generation: Generation


@dataclass(frozen=True, kw_only=True)
class Table:
    """The scores of one group of results: a row per method, a column per victim and radius.

    Attributes:
        best: what the lowest score of each column prints as, references apart; None where no method has one.
        left_out: records that do not count, because their cell was run again after its inputs had changed.
    """

    title: str
    seeds: tuple[int, ...]
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    best: Mapping[Column, str | None]
    left_out: int

    def is_best(self, column: Column, row: Row, score: Score) -> bool:
        """Tell whether `score` is the lowest of its column; scores that print alike are equally good."""
        return row.method not in REFERENCES and score.mean is not None and percent(score.mean) == self.best[column]

    @property
    def note(self) -> str:
        """What to say under the table, or nothing."""
        if not self.left_out:
            return ""
        return f"Left out: {self.left_out} older record(s) of cells whose inputs have changed since."


def build_tables(frame: pd.DataFrame) -> list[Table]:
    """Return one table per dataset, protocol and precision of `load_records`' frame."""
    return [_build(group) for group in groups(frame)]


def _build(group: Group) -> Table:
    """Build the table of one group; a combination that has no record becomes an empty score."""
    known = {(score.method, Column(victim=score.victim, rho_a=score.rho_a)): score for score in scores(group.rows)}
    columns = sorted({column for _, column in known}, key=lambda column: (column.victim, column.rho_a))
    rows = []
    for generation in generations(group.rows):
        name = generation.method
        cells = [
            known.get((name, column), Score(method=name, victim=column.victim, rho_a=column.rho_a))
            for column in columns
        ]
        rows.append(Row(method=name, scores=tuple(cells), generation=generation))
    return Table(
        title=group.title,
        seeds=tuple(group.seeds),
        columns=tuple(columns),
        rows=tuple(rows),
        best={column: _lowest(rows, index) for index, column in enumerate(columns)},
        left_out=group.left_out,
    )


def _lowest(rows: list[Row], index: int) -> str | None:
    """Return the lowest mean of one column as it prints, references apart."""
    means = [row.scores[index].mean for row in rows if row.method not in REFERENCES]
    there = [mean for mean in means if mean is not None]
    return percent(min(there)) if there else None
