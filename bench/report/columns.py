"""The columns beside the scores of a table: the standing of each method, and what its noise cost."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from bench.report.standing import trainer_text
from bench.report.summary import Score
from bench.report.tables import ScoreTable
from bench.report.text import (
    MISSING,
    devices_text,
    headline_text,
    memory_text,
    minus_clean_text,
    passes_text,
    rank_text,
    score_text,
    seconds_range_text,
    seconds_text,
    trainers_text,
)


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column as text.

    Attributes:
        head: its name in two parts.
        texts: one per row of the table.
        is_number: whether it is right-aligned.
    """

    head: tuple[str, str]
    texts: tuple[str, ...]
    is_number: bool = True

    @property
    def name(self) -> str:
        """Both parts of its name, joined."""
        return " ".join(filter(None, self.head)).replace("- ", "-")


Write = Callable[[Score, int], str]
"""Formats a score, given the table's number of seeds."""


def columns_beside(table: ScoreTable, write: Write = score_text) -> list[Column]:
    """Return the columns beside the scores of a table."""
    standings, costs, seeds = table.standings, table.costs, len(table.seeds)
    columns = []
    if standings:
        strongest = tuple(write(one.strongest, seeds) if one else MISSING for one in standings)
        trainer = tuple(trainer_text(one.strongest) if one else MISSING for one in standings)
        clean = tuple(headline_text(one.clean if one else None) for one in standings)
        minus = tuple(map(minus_clean_text, standings))
        columns += [
            Column(head=("strongest", "trainer"), texts=strongest),
            Column(head=("which", "trainer"), texts=trainer, is_number=False),
            Column(head=("without", "noise"), texts=clean),
            Column(head=("minus", "clean"), texts=minus),
            Column(head=("", "trainers"), texts=tuple(trainers_text(one) for one in standings)),
            Column(head=("", "rank"), texts=tuple(rank_text(one) for one in standings)),
        ]
    if costs:
        columns += [
            Column(head=("generation", "s"), texts=tuple(seconds_text(cost) for cost in costs)),
            Column(head=("image-", "passes"), texts=tuple(passes_text(cost.passes) for cost in costs)),
            Column(head=("peak", "GiB"), texts=tuple(memory_text(cost) for cost in costs)),
            Column(head=("", "device"), texts=tuple(devices_text(cost) for cost in costs), is_number=False),
        ]
    if table.trust:
        columns.append(
            Column(head=("", "trust"), texts=tuple(tier or MISSING for tier in table.trust), is_number=False)
        )
    return columns


def columns_in_brief(table: ScoreTable) -> list[Column]:
    """Return the columns beside the scores without memory, trust and devices; seconds are a range over devices."""
    shown = [column for column in columns_beside(table) if column.name not in {"peak GiB", "trust", "device"}]
    ranges = tuple(seconds_range_text(cost) for cost in table.costs)
    return [replace(column, texts=ranges) if column.name == "generation s" else column for column in shown]


def columns_and_device(table: ScoreTable, write: Write = score_text) -> tuple[list[Column], str]:
    """Return the columns beside the scores; if all rows have the same device, its name replaces the device column."""
    columns = columns_beside(table, write)
    devices = {devices_text(cost) for cost in table.costs if cost.seconds}
    if len(devices) > 1:
        return columns, ""
    return [column for column in columns if column.name != "device"], "".join(devices)
