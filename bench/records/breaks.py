"""Trainers designed against one method, declared in `breaks.toml` next to the records.

A suite is frozen, so a trainer that somebody adapts to a method is not in it. Once declared here, its records count
towards the method's headline (marked) and rank like those of the suite; nothing changes for other methods.
"""

from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import Field

from attacks.core.settings import Settings
from bench.config.axes import TRAINER, Place, TrainerChoices, place, place_of
from bench.config.load import read_declared
from bench.config.models import Cell, VictimCell

FILE = "breaks.toml"
_Line = Annotated[str, Field(min_length=1, max_length=200)]


class Break(TrainerChoices):
    """A trainer, by a value for each axis in `TRAINER`, that breaks one method.

    Attributes:
        method: its name in records.
        by: who found it.
        date: when.
        how: what the trainer knows about the method, in one sentence.
        link: where it is described.
    """

    method: _Line
    by: _Line
    date: date
    how: _Line
    link: _Line

    @property
    def cell(self) -> Place:
        """The place of its scores."""
        return place(**self.model_dump(include={"method", *(axis.field for axis in TRAINER)}))


class _Breaks(Settings):
    found: tuple[Break, ...] = Field(default=(), alias="break")


def load_breaks(results: Path) -> frozenset[Place]:
    """Read the `breaks.toml` of a folder of records, and return the places of its trainers' scores.

    Raises:
        RequestError: if it cannot be read.
    """
    found = read_declared(results / FILE, _Breaks) or _Breaks()
    return frozenset(one.cell for one in found.found)


def score_of(cell: Cell) -> Place | None:
    """Return the place of a victim's score; None for a noise."""
    return place_of(cell) if isinstance(cell, VictimCell) else None
