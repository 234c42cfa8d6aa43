"""The axes that a grid crosses: the one list that grids, exclusions, cells, records, tables and the page read.

To add an axis, add an entry here and a field of the same name to `VictimCell`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, create_model

from attacks.core.settings import Count, Name, Radius, Settings
from victims.countermeasures.standard import STANDARD
from victims.networks.names import refuse_hub
from victims.recipes.supervised import SUPERVISED

Share = Annotated[int, Field(ge=0, le=100)]
Part = Literal["all", "unprotected"]
Victim = Annotated[
    str,
    BeforeValidator(lambda name: refuse_hub(name) if isinstance(name, str) else name),
    Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,79}(:.+)?$"),  # a name, optionally with a file of weights
]
ALL = 100  # percent
Place = tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class Words:
    """The page's wording for an axis; `{}` stands for its value.

    Attributes:
        head: the heading of its column.
        facet: the heading of its menu of values; None: no menu.
        short: a value among others in a table's heading.
        long: a value where there is more room.
    """

    head: str
    facet: str | None = None
    short: str = "{}"
    long: str = "{}"


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One of the dimensions in which cells differ.

    Attributes:
        field: its field in a cell, and its column in frames, CSV and JSON.
        listed: the grid's list of its values; None where other axes decide the value.
        kind: the type of a value in that list.
        dtype: of its column in a frame; text is `object`, so that a missing text is None in every version of pandas.
        usual: the default value; None where a grid must state one.
        excludable: whether an exclusion may name it.
        scored: whether scores are kept separate by its value; within a group of results, all but the seed are.
        label: its part of a cell's label, which omits usual values; None where the label has it elsewhere.
        last: whether that part comes after those of other axes.
        table: the title of the tables with a column for each of its values; None: no such tables.
        beside: axes with usual values whose other values get such tables of their own.
        falling: whether larger values come first on the page.
        keyed, linked: whether a cell's key, and the page's links to it, include the usual value too. An axis added
            when records already exist leaves keys and links as they were.
        words: the page's wording for it.
    """

    field: str
    listed: str | None
    kind: Any = Name
    dtype: Literal["object", "int64", "float64"] = "object"
    usual: Any = None
    excludable: bool = True
    scored: bool = True
    label: str | None = "{}"
    last: bool = True
    table: str | None = None
    beside: tuple[str, ...] = ()
    falling: bool = False
    keyed: bool = False
    linked: bool = False
    words: Words

    @property
    def is_text(self) -> bool:
        """Whether its values are text."""
        return self.dtype == "object"

    def text(self, value: Any) -> str:
        """Return a value as text: `4` for a radius of 4.0."""
        return str(value) if self.is_text else f"{value:g}"

    def word(self, value: Any) -> str:
        """Return a value as worded in a table's title or heading; empty for the usual one."""
        return "" if value == self.usual else self.words.short.format(self.text(value))


AXES = (
    Axis(field="dataset", listed="datasets", kind=str, scored=False, label=None, words=Words(head="dataset")),
    Axis(
        field="method",
        listed="methods",
        kind=str,
        label=None,
        linked=True,
        words=Words(head="method", facet="Method"),
    ),
    Axis(
        field="victim",
        listed="victims",
        kind=Victim,
        label=None,
        keyed=True,
        linked=True,
        words=Words(head="victim", facet="Victim"),
    ),
    Axis(
        field="training",
        listed="trainings",
        usual=SUPERVISED.name,
        table="Training recipes",
        keyed=True,
        words=Words(head="training", facet="Training", long="training {}"),
    ),
    Axis(
        field="rho_a",
        listed="radii",
        kind=Radius,
        dtype="float64",
        label="r{}",
        last=False,
        keyed=True,
        linked=True,
        words=Words(head="rho_a", facet="Radius", short="rho_a {}", long="rho_a {}"),
    ),
    Axis(
        field="countermeasure",
        listed="countermeasures",
        usual=STANDARD.name,
        table="Countermeasures",
        beside=("training",),
        keyed=True,
        linked=True,
        words=Words(head="countermeasure", facet="Countermeasure", long="countermeasure {}"),
    ),
    Axis(
        field="share",
        listed="shares",
        kind=Share,
        dtype="int64",
        usual=ALL,
        label="p{}",
        last=False,
        falling=True,
        keyed=True,
        linked=True,
        words=Words(head="% protected", facet="% protected", short="{}% protected", long="{}% of the images protected"),
    ),
    Axis(
        field="part",
        listed=None,
        kind=Part,
        usual="all",
        excludable=False,
        last=False,
        keyed=True,
        linked=True,
        words=Words(head="trained on", short="unprotected part", long="trained on the unprotected part alone"),
    ),
    Axis(
        field="seed",
        listed="seeds",
        kind=Count,
        dtype="int64",
        scored=False,
        label="s{}",
        last=False,
        words=Words(head="seed"),
    ),
)
AXIS: Mapping[str, Axis] = {axis.field: axis for axis in AXES}
SCORED = tuple(axis for axis in AXES if axis.scored)
FIELDS = tuple(axis.field for axis in SCORED)
"""The fields that identify a score, besides dataset and protocol, in the order of `place`."""
TRAINER = tuple(axis for axis in SCORED if axis.field not in {"method", "share", "part"})
"""The axes that make up a trainer."""
SIDE = tuple(axis for axis in SCORED if axis.field != "victim")
"""The axes that each side of a claim states; the network is stated once for the whole claim."""


if TYPE_CHECKING:

    class TrainerChoices(Settings):
        """A value for each axis in `TRAINER`."""

        def __getattr__(self, name: str) -> Any: ...

    class SideChoices(Settings):
        """A value for each axis in `SIDE`."""

        def __getattr__(self, name: str) -> Any: ...

else:

    def _choices(name: str, axes: Iterable[Axis], **usual: Any) -> type[Settings]:
        usual = {axis.field: axis.usual for axis in axes if axis.usual is not None} | usual
        fields = {axis.field: (axis.kind, usual.get(axis.field, ...)) for axis in axes}
        return create_model(name, __base__=Settings, **fields)

    TrainerChoices = _choices("TrainerChoices", TRAINER)
    SideChoices = _choices("SideChoices", SIDE, rho_a=0.0)


def place(**values: Any) -> Place:
    """Return the place of a score: its value on each axis in `SCORED`, by default the usual one."""
    return tuple(values.get(axis.field, axis.usual) for axis in SCORED)


def place_of(cell: object) -> Place:
    """Return the place of the score of a victim's cell."""
    return place(**{name: getattr(cell, name) for name in FIELDS})


def without_method(cell: Place) -> Place:
    """Return a score's place without the method: its trainer, with share and part."""
    at = FIELDS.index("method")
    return (*cell[:at], *cell[at + 1 :])


def usual_of(field: str) -> Any:
    """Return the usual value of an axis."""
    return AXIS[field].usual


def label_words(cell: Any) -> Iterable[str]:
    """Return the parts of a victim cell's label that follow dataset, method and victim."""
    worded = [axis for axis in AXES if axis.label is not None]
    order = sorted(worded, key=lambda axis: (axis.last, axis.usual is not None))
    values = [(axis, getattr(cell, axis.field)) for axis in order]
    return [str(axis.label).format(axis.text(value)) for axis, value in values if value != axis.usual]


def unkeyed(cell: Any) -> set[str]:
    """Return the axes that a victim's key leaves out: those added after records were made, at their usual value."""
    return {
        axis.field
        for axis in AXES
        if axis.usual is not None and not axis.keyed and getattr(cell, axis.field) == axis.usual
    }


def page_axes() -> list[dict[str, Any]]:
    """Return the axes of scores, as the page's script reads them."""
    names = ("listed", "usual", "falling", "linked")
    return [
        {
            "id": axis.field,
            "numeric": not axis.is_text,
            **{name: getattr(axis, name) for name in names},
            **asdict(axis.words),
        }
        for axis in SCORED
    ]
