"""Upgrade the JSON data of an older record to the current schema version.

Up to version 2, a cell stated what decides its numbers by digests of a whole protocol, and its key included the
protocol's name. Since version 3 it holds the tables that are read, which can be filled in only if the protocol is
known: shipped ones are, others are passed by the caller. A record of an unknown protocol keeps the old digest in
their place, is shown as before, and never counts as a cell that is planned now.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Literal

from attacks.core.errors import RequestError
from attacks.core.settings import Count, Name, Radius, Reads, Settings
from attacks.methods import methods
from bench.config.axes import Part, Share
from bench.config.cells import Numbers, numbers_of
from bench.config.load import load_protocol, shipped
from bench.config.models import NoiseCell, Protocol, Setup, digest_of
from bench.records.former import former
from bench.seal import unseal
from victims.recipes.supervised import SUPERVISED

Data = dict[str, Any]

VERSION = 3
SEALED_SINCE = 2


class FormerNoise(Settings):
    """The cell of a noise up to version 2."""

    kind: Literal["noise"]
    dataset: Name
    method: Name
    seed: Count
    protocol: Name
    inputs: dict[str, str]

    @property
    def key(self) -> str:
        """The key that it had."""
        return digest_of(self.model_dump(mode="json"))


class FormerVictim(Settings):
    """The cell of a victim up to version 2."""

    kind: Literal["victim"]
    dataset: Name
    method: Name
    seed: Count
    protocol: Name
    inputs: dict[str, str]
    victim: Name
    rho_a: Radius
    countermeasure: Name = "standard"
    share: Share = 100
    part: Part = "all"

    @property
    def key(self) -> str:
        """The key that it had."""
        return digest_of(self.model_dump(mode="json"))


FormerCell = FormerNoise | FormerVictim
NoiseOf = Callable[[FormerVictim], NoiseCell | None]


def former_cell(data: Data) -> FormerCell:
    """Return the cell of a record of version 1 or 2.

    Raises:
        pydantic.ValidationError: if the data has none.
    """
    cell = data.get("cell")
    is_victim = isinstance(cell, dict) and cell.get("kind") == "victim"
    return (FormerVictim if is_victim else FormerNoise).model_validate(cell)


class Upgrader:
    """Upgrades records, using the known protocols.

    Args:
        protocols: protocols known besides the shipped ones.
        noise_of: finds the present cell of the noise that an older victim was trained on.
    """

    def __init__(self, protocols: tuple[Protocol, ...] = (), noise_of: NoiseOf = lambda _victim: None) -> None:
        self._given = {protocol.name: protocol for protocol in protocols}
        self._noise_of = noise_of
        self._setups: dict[tuple[str, str], tuple[Setup, str, str] | None] = {}
        self._steps: Mapping[int, Callable[[Data], Data]] = {1: lambda data: data, 2: self._with_tables}

    def opened(self, data: Data, text: bytes) -> Data:
        """Return the data of a record's file at the current schema version, without its seal.

        Args:
            data: the text, parsed as JSON.
            text: the whole file.

        Raises:
            BrokenSealError: if it was changed after it was written; records of version 1 have no seal to check.
            RequestError, ValueError: as `upgrade`.
        """
        return self.upgrade(unseal(data, text) if is_sealed(data) else data)

    def upgrade(self, data: Data) -> Data:
        """Return data upgraded to the current schema version.

        Raises:
            RequestError: if the data is newer.
            ValueError: if it states no version, or one that no step starts from, or is not a record.
        """
        return in_steps(data, VERSION, self._steps)

    def _with_tables(self, data: Data) -> Data:
        """Upgrade from 2 to 3: replace the digest of the whole protocol by the tables that the cell reads."""
        old = former_cell(data)
        cell = self._noise(old, data) if isinstance(old, FormerNoise) else self._victim(old, data)
        return data | {"cell": cell}

    def _noise(self, old: FormerNoise, data: Data) -> Data:
        reads = self._reads(old)
        inputs = {name: value for name, value in old.inputs.items() if name not in {"setup", "engine"}}
        if (reads is None or "network" in reads) and "engine" in old.inputs:
            inputs["engine"] = old.inputs["engine"].partition("/")[0]  # what follows was the version of victims
        return {
            **old.model_dump(mode="json"),
            "inputs": inputs | _drawn(old, data),
            "numbers": self._numbers(old, reads, "noise"),
        }

    def _victim(self, old: FormerVictim, data: Data) -> Data:
        noise = self._noise_of(old)
        used = {name: value for name, value in old.inputs.items() if name != "setup"}
        if "recipe" in used:
            used["recipe"] = f"{SUPERVISED.name}/{used['recipe']}"
        if noise is not None:
            used["noise"] = noise.key
        return {
            **old.model_dump(mode="json"),
            "training": SUPERVISED.name,
            "inputs": (noise.inputs if noise else {}) | used | _drawn(old, data),
            "numbers": self._numbers(old, SUPERVISED.reads, "victim"),
        }

    def _reads(self, old: FormerNoise) -> Reads | None:
        """Return what an older noise's recipe reads; None where its method is not known here."""
        if (known := self._methods.get(old.method)) is not None:
            return known
        return () if is_given(old.method, old.inputs.get("method", "")) else None

    @cached_property
    def _methods(self) -> Mapping[str, Reads]:
        return {name: method.recipe.reads for name, method in methods().items()}

    def _numbers(self, old: FormerCell, reads: Reads | None, section: Literal["noise", "victim"]) -> Numbers:
        """Return the tables that were read, or the old digest where they are not known."""
        if reads == ():
            return {}
        digest = old.inputs.get("setup", "")
        known = self._setup(old.protocol, old.dataset)
        if known is None or reads is None or digest != known[1 if section == "noise" else 2]:
            return {UNKNOWN: {"digest": digest}}
        try:
            return numbers_of(reads, known[0], section)
        except RequestError:  # the component now has numbers of its own, which this protocol does not state
            return {UNKNOWN: {"digest": digest}}

    def _setup(self, protocol: str, dataset: str) -> tuple[Setup, str, str] | None:
        """Return a protocol's numbers for a dataset, and their digests in older cells of noises and of victims."""
        place = protocol, dataset
        if place not in self._setups:
            found = self._given.get(protocol) or (load_protocol(protocol) if protocol in shipped("protocols") else None)
            self._setups[place] = _as_it_was(found.for_dataset(dataset)) if found else None
        return self._setups[place]


UNKNOWN = "unknown"  # stands for the tables of a cell whose protocol is not known


def is_sealed(data: Data) -> bool:
    """Return whether a record's data has a seal, or should have one: those of version 1 need none."""
    version = data.get("schema_version")
    return "sha256" in data or (isinstance(version, int) and version >= SEALED_SINCE)


def is_given(method: str, identity: str) -> bool:
    """Return whether a method's identity is that of a noise from a file: its name and the noise's digest."""
    name, slash, digest = identity.rpartition("/")
    return bool(slash) and name == method and len(digest) == 64 and not set(digest) - set("0123456789abcdef")


def in_steps(data: Data, version: int, steps: Mapping[int, Callable[[Data], Data]]) -> Data:
    """Return `data` at schema `version`.

    Args:
        data: a record's data.
        version: the version to reach.
        steps: the step from each version to the next; it returns new data and need not set `schema_version`.

    Raises:
        RequestError: if the data is newer than `version`.
        ValueError: if it states no version, or one that no step starts from.
    """
    found = data.get("schema_version")
    if not isinstance(found, int) or isinstance(found, bool):
        raise ValueError("no schema version")  # noqa: TRY004 - one kind of error for everything that is not a record
    if found > version:
        raise RequestError(f"made by a newer version (schema {found}, ours is {version}); upgrade unlearnable-bench")
    for number in range(found, version):
        if number not in steps:
            raise ValueError(f"cannot upgrade from schema version {number}")
        data = {**steps[number](data), "schema_version": number + 1}
    return data


def _drawn(old: FormerCell, data: Data) -> dict[str, str]:
    """Return an older cell's random stream, and its precision, which was part of the digest."""
    return {"stream": f"{old.dataset}/{old.protocol}", "precision": str(data.get("precision"))}


def _as_it_was(setup: Setup) -> tuple[Setup, str, str]:
    """Return numbers without later additions, and their digests in older cells of noises and of victims."""
    whole = former(setup)
    of_noise = {name: table for name, table in whole.items() if name != "victim"}
    return type(setup).model_validate(whole), digest_of(of_noise), digest_of(whole)
