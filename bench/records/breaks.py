"""Trainers that were made against one method, declared in `breaks.toml` beside the records.

A suite is frozen, so a trainer that somebody adapts to a method is not in it. Once it is declared here, its records
make the method's headline like those of the suite, marked, and lower its rank; nothing changes for other methods.
"""

import tomllib
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, ValidationError, create_model

from attacks.core.errors import RequestError
from attacks.core.settings import Settings
from bench.config.axes import FIELDS, TRAINER, Place, place
from bench.config.models import Cell, VictimCell

FILE = "breaks.toml"
_Line = Annotated[str, Field(min_length=1, max_length=200)]

if TYPE_CHECKING:

    class _Trainer(Settings):
        def __getattr__(self, name: str) -> Any: ...

else:
    _Trainer = create_model(
        "_Trainer",
        __base__=Settings,
        **{axis.field: (axis.kind, ... if axis.usual is None else axis.usual) for axis in TRAINER},
    )


class Break(_Trainer):
    """A trainer, by a value for each axis in `TRAINER`, that breaks one method.

    Attributes:
        method: as in records.
        by: who found it.
        date: when.
        how: what it knows of the method, in a sentence.
        link: where it is described.
    """

    method: _Line
    by: _Line
    date: date
    how: _Line
    link: _Line

    @property
    def cell(self) -> Place:
        """What its scores are of."""
        return place(**self.model_dump(include={"method", *(axis.field for axis in TRAINER)}))


class _Breaks(Settings):
    found: tuple[Break, ...] = Field(default=(), alias="break")


def load_breaks(results: Path) -> frozenset[Place]:
    """Read `breaks.toml` of a folder of records, and return what the scores of its trainers are of.

    Raises:
        RequestError: where it cannot be read.
    """
    path = results / FILE
    try:
        found = _Breaks.model_validate(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except FileNotFoundError:
        return frozenset()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise RequestError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}; fix it") from None
    except (OSError, ValueError, RecursionError) as error:
        raise RequestError(f"cannot read {path}: {' '.join(str(error).split())}; fix it") from None
    return frozenset(one.cell for one in found.found)


def score_of(cell: Cell) -> Place | None:
    """Return what the score of a victim's cell is of; None of a noise."""
    return place(**{name: getattr(cell, name) for name in FIELDS}) if isinstance(cell, VictimCell) else None
