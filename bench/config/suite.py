"""Suites: frozen lists of trainers; the strongest one decides a method's headline."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from attacks.core.errors import RequestError
from attacks.core.settings import Count, Name, Settings
from bench.config.axes import TRAINER, Place, TrainerChoices, place, without_method
from bench.config.load import assign, base_of, load_protocol, parsed_change, path_of_protocol, read_toml, shipped
from bench.config.models import Grid, Protocol, Setup
from bench.config.recorded import recorded_victim
from bench.config.validated import unknown_key, validated

RANKING = "strong-v1"
"""The suite that decides the headline in every table of a protocol that it has a cast for."""
_FREE = ("protocol", "datasets", "methods", "seeds")  # what `--set` can change in a suite
FIXED = frozenset({"exclude", *(str(axis.listed) for axis in TRAINER)})  # keys of a grid that its trainers decide
Sentence = Annotated[str, Field(min_length=1, max_length=200)]


class Trainer(TrainerChoices):
    """One trainer of a suite: a value for each axis in `TRAINER`, where `victim` is a role in the suite's casts.

    Attributes:
        title: what it does, in a few words.
        kind: what sort of defence it is.
        reason: why it is in the suite, in one sentence.
    """

    title: Sentence
    kind: Sentence
    reason: Sentence


class Cast(Settings):
    """The victims that fill a suite's roles under one protocol.

    Attributes:
        dataset: the default dataset.
        victims: a victim for each role.
    """

    dataset: str
    victims: Mapping[Name, str]


class Suite(Settings):
    """A frozen list of trainers.

    Attributes:
        protocol, methods, seeds: what is run by default; a user's own protocol is a path relative to the suite's
            file.
        casts: by protocol name.
        trainer: the trainers of the suite.
    """

    name: Name
    title: Sentence
    protocol: str
    methods: Annotated[tuple[str, ...], Field(min_length=1)]
    seeds: Annotated[tuple[Count, ...], Field(min_length=1)] = (0,)
    casts: Mapping[Name, Cast]
    trainer: Annotated[tuple[Trainer, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        roles = {trainer.victim for trainer in self.trainer}
        for protocol, cast in self.casts.items():
            if missing := sorted(roles - set(cast.victims)):
                raise ValueError(f"casts.{protocol} has no victim for {', '.join(missing)}; add it")
        if len({tuple(self._choices(trainer).items()) for trainer in self.trainer}) < len(self.trainer):
            raise ValueError("two trainers are the same; remove one of them")
        return self

    def trainers(self, protocol: str) -> dict[Place, Trainer]:
        """Return the trainers under a protocol, with all images protected, keyed as by `without_method`.

        Empty where the suite has no cast for the protocol; a protocol changed by `--set` keeps its cast.
        """
        cast = self.cast(protocol)
        return {self._place(trainer, cast): trainer for trainer in self.trainer} if cast else {}

    def cast(self, protocol: str) -> Cast | None:
        """Return the cast for a protocol, by the protocol's name; None where there is none."""
        return self.casts.get(base_of(protocol))

    def _place(self, trainer: Trainer, cast: Cast) -> Place:
        choices = self._choices(trainer)
        return without_method(place(**choices | {"victim": recorded_victim(cast.victims[choices["victim"]])}))

    @staticmethod
    def _choices(trainer: Trainer) -> dict[str, Any]:
        return trainer.model_dump(include={axis.field for axis in TRAINER})

    def grids(self, cast: Cast, protocol: str, lists: Mapping[str, Any]) -> tuple[Grid, ...]:
        """Return a grid for each trainer.

        Args:
            cast: the victims that fill the roles.
            protocol: as the user named it.
            lists: the datasets, methods and seeds.

        Raises:
            RequestError: if the lists are wrong.
        """
        fixed = {"name": self.name, "title": self.title, "protocol": protocol, **lists}
        grids = []
        for trainer in self.trainer:
            choices = self._choices(trainer)
            values = choices | {"victim": cast.victims[choices["victim"]]}
            axes = {str(axis.listed): [values[axis.field]] for axis in TRAINER}
            grids.append(validated(Grid, fixed | axes, f"suite {self.name!r}"))
        return tuple(grids)


@cache
def load_suite(name: str) -> Suite:
    """Read a suite, given a shipped suite's name or the path of a `.toml` file.

    Raises:
        RequestError: for a wrong name, key, value or file.
    """
    suite = validated(Suite, read_toml("suites", name), f"suite {name!r}")
    if name not in shipped("suites") and suite.name in shipped("suites"):
        raise RequestError(f"{name}: {suite.name!r} is the name of a shipped suite; rename yours")
    return suite


def grids_of(name: str, changes: Sequence[str] = (), **given: Any) -> tuple[tuple[Grid, ...], Protocol]:
    """Return a grid for each trainer of a suite, and their protocol, both changed as `--set` asks.

    Args:
        name: as for `load_suite`.
        changes: as for `load_grid`; of a suite's own keys, only `protocol`, `datasets`, `methods` and `seeds`.
        given: values for these keys, in place of the suite's.

    Raises:
        RequestError: for a wrong name, key, value or file, or a protocol that the suite has no cast for.
    """
    suite = load_suite(name)
    asked: dict[str, Any] = {
        "protocol": path_of_protocol(name, suite.protocol),
        "datasets": [],
        "methods": list(suite.methods),
        "seeds": list(suite.seeds),
        **given,
    }
    numbers = []
    for change in changes:
        path, value = parsed_change(change)
        if path[0] == "setup":
            numbers.append(change)
        elif path[0] in FIXED:
            raise RequestError(
                f"--set {path[0]}: the trainers of suite {suite.name!r} are fixed; set {', '.join(_FREE)}, "
                "choose cells by --only, or run a --grid"
            )
        elif path[0] not in _FREE:
            raise unknown_key(path, _FREE, Setup)
        else:
            assign(asked, path, value)
    named = str(asked.pop("protocol"))
    protocol = load_protocol(named, numbers)
    cast = suite.cast(protocol.name)
    if cast is None:
        raise _without_victims(suite, named, protocol)
    asked["datasets"] = asked["datasets"] or [cast.dataset]
    return suite.grids(cast, named, asked), protocol


def _without_victims(suite: Suite, named: str, protocol: Protocol) -> RequestError:
    """Build the error for a protocol that a suite has no cast for.

    Args:
        suite: the suite.
        named: the protocol as the user named it.
        protocol: the protocol.
    """
    known, base = sorted(suite.casts), base_of(protocol.name)
    like = protocol.salt if protocol.salt in known else "".join(known[:1])  # the protocol that it is based on
    only = f", only for {', '.join(known)}" if known else ""
    is_own = known and named not in shipped("protocols")
    rename = f"call yours e.g. {like}+{base} to use the victims of {like}, or " if is_own else ""
    key = f'"{base}"' if "." in base else base
    return RequestError(
        f"suite {suite.name!r} has no victims for protocol {base!r}{only}; {rename}add [casts.{key}] to a suite of "
        "your own"
    )
