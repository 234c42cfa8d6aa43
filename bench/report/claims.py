"""Claims as data: what papers say about their own and each other's methods, in a form that records can answer.

They are kept in `claims.toml` next to the records. A claim compares two sides, or one side and a value, at the trainers
of a `scale`: a dataset and a protocol, with the networks that represent those of the papers there.
"""

from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from attacks.core.settings import Name, Settings
from attacks.methods.clean import CLEAN
from bench.config.axes import Place, SideChoices, place
from bench.config.load import read_declared

FILE = "claims.toml"
Measure = Literal["accuracy", "peak", "image-passes", "seconds"]
Relation = Literal["lower", "higher", "within", "times"]
ClaimText = Annotated[str, Field(min_length=1, max_length=300)]


class Side(SideChoices):
    """One side of a claim: a method, a value for each other axis except the network, and what is measured.

    Attributes:
        measure: `accuracy` (final) or `peak` (highest during training), clean and in percent, or a cost of the noise.
    """

    method: Annotated[str, Field(pattern=r"^[^\x00-\x1f`]+$", max_length=300)]
    measure: Measure = "accuracy"

    def at(self, victim: str) -> Place:
        """Return the cell of this side for a network."""
        return place(victim=victim, **self.model_dump(exclude={"measure"}))


class Claim(Settings):
    """One statement.

    Attributes:
        name: unique.
        source: who makes it, and where; its `grade` is as in `reported/cells.csv`, with `C` also for what was inferred.
        text: the statement in words.
        first, second: what is compared; `value` takes the place of the second, in the same unit.
        says: that `first - second`, or `first - value`, is `lower` than -`by`, `higher` than `by` or `within` +-`by`;
            or that `first / second` is at least `by` `times`.
        by: percentage points, or a ratio.
        works_by: where an effect is said to be lost, given back or kept, so that the noise must have one: only those
            noises of the first side's method count that take at least so many points of the network's accuracy under
            standard training (`proof`), measured from the mean of clean images.
        victims: roles of networks, which each scale assigns; the claim is asked for each.
        scales: the names of the scales at which it is asked.
        lacks: what this benchmark lacks to measure it, if anything; there is then no command for it.
    """

    name: Name
    source: ClaimText
    grade: Literal["V", "V2", "C"]
    text: ClaimText
    first: Side
    second: Side | None = None
    value: float | None = None
    says: Relation
    by: Annotated[float, Field(ge=0)] = 0.0
    works_by: Annotated[float, Field(gt=0)] | None = None
    victims: tuple[Name, ...] = ("resnet",)
    scales: tuple[Name, ...] = ("paper", "lite", "smoke")
    lacks: ClaimText | None = None

    @model_validator(mode="after")
    def _is_answerable(self) -> Self:
        if (self.second is None) == (self.value is None):
            raise ValueError("needs either `second` or `value`")
        if self.says == "within" and not self.by:
            raise ValueError("says `within`, so it needs `by`")
        if (self.says == "times") != self.is_cost or (self.says == "times" and (self.second is None or not self.by)):
            raise ValueError("`times` needs `by`, and compares costs of two sides only")
        if self.second and self.second.measure != self.first.measure and self.is_cost:
            raise ValueError("compares two different kinds of cost")
        if self.works_by is not None and (self.is_cost or self.first in self.proof or self.first.method == CLEAN.name):
            raise ValueError(
                "`works_by` is for accuracies of victims of a noise that is known to work under standard training, so "
                "`first` must be such a victim at another trainer, or its `peak`"
            )
        return self

    @property
    def sides(self) -> tuple[Side, ...]:
        """What it compares: one side or two."""
        return (self.first, self.second) if self.second else (self.first,)

    @property
    def proof(self) -> tuple[Side, ...]:
        """What shows whether a noise works: standard training on it, and on clean images; empty if it need not work."""
        return () if self.works_by is None else (Side(method=self.first.method), Side(method=CLEAN.name))

    @property
    def holds(self) -> tuple[float, float]:
        """The limits between which the difference, or the ratio, lies if it holds."""
        return {
            "lower": (-inf, -self.by),
            "higher": (self.by, inf),
            "within": (-self.by, self.by),
            "times": (self.by, inf),
        }[self.says]

    @property
    def is_count(self) -> bool:
        """Whether it is about image-passes, which are counted, so that more seeds make them no more certain."""
        return self.first.measure == "image-passes"

    @property
    def is_cost(self) -> bool:
        """Whether it is about the cost of noises, which does not depend on the victim."""
        return any(side.measure in {"image-passes", "seconds"} for side in self.sides)


class Scale(Settings):
    """A dataset and a protocol at which claims are asked.

    Attributes:
        title: in words.
        victims: the network for each role; a claim about a role that is missing here is not asked at this scale.
    """

    name: Name
    title: ClaimText
    dataset: Name
    protocol: Name
    victims: Mapping[Name, Name]


class Claims(Settings):
    """All of a folder's claims and the scales they are asked at."""

    scale: tuple[Scale, ...] = ()
    claim: tuple[Claim, ...] = ()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for kind, names in (("scale", [one.name for one in self.scale]), ("claim", [one.name for one in self.claim])):
            twice = {name for name in names if names.count(name) > 1}
            if twice:
                raise ValueError(f"several {kind}s are called {', '.join(sorted(twice))}")
        known = {scale.name: scale for scale in self.scale}
        roles = {role for scale in self.scale for role in scale.victims}
        for claim in self.claim:
            if missing := [*(set(claim.scales) - set(known)), *(set(claim.victims) - roles)]:
                raise ValueError(f"{claim.name} names {', '.join(sorted(missing))}, which no scale has")
        return self


def load_claims(results: Path) -> Claims | None:
    """Read the claims of a folder of records; None where it has none.

    Raises:
        RequestError: where they cannot be read.
    """
    return read_declared(results / FILE, Claims)
