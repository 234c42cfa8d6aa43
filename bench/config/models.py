"""Frozen models of a protocol, a grid and a cell."""

import hashlib
import json
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, create_model, model_validator

from attacks.core.errors import RequestError, unknown
from attacks.core.settings import (
    EXACT,
    Augment,
    Count,
    Mean,
    Name,
    NoiseSettings,
    Precision,
    Radius,
    Section,
    Settings,
    Std,
    Stems,
    Table,
)
from bench.config.axes import AXES, Part, Share, label_words, unkeyed, usual_of
from victims.settings import Pretrained, VictimSettings


class Setup(Table):
    """A protocol's numbers for one dataset, in tables; its own fields, except `precision`, form the table `network`.

    Attributes:
        precision: arithmetic of the networks; the loss is always at least fp32.
        stem: `by-size` gives networks the small-image stem if images are small; `small` gives it to ResNet, VGG and
            DenseNet at any size.
        init: `torch` initialises ResNet, VGG and DenseNet by PyTorch's defaults (as the papers' code does its
            ResNets), `timm` leaves them to timm. Networks of the papers' code (`vgg16_bn_fu22`) keep their own.
        mean, std: normalisation, the first layer of every network; one number, or one per channel.
        augment: the random view of noise, and of victims without one of their own.
        noise: the numbers of the noise methods.
        victim: the numbers of the victims.
        countermeasure: tables of countermeasures that have numbers of their own.
    """

    precision: Precision = "bf16"
    stem: Stems = "by-size"
    init: Literal["torch", "timm"] = "torch"
    mean: Mean = 0.5
    std: Std = 1.0
    augment: Augment = Augment()
    noise: NoiseSettings
    victim: VictimSettings
    countermeasure: Section = Field(default=Section(), exclude_if=lambda section: not section.tables)

    def numbers(self) -> dict[str, Any]:
        """Return the numbers of the table `network`."""
        others = {name for name, value in self if isinstance(value, Table)} | {"precision"}
        return self.model_dump(mode="json", exclude=others, exclude_none=True)

    @property
    def weights_side(self) -> int | None:
        """The side to which victims resize images if their weights expect a certain size; None: that size."""
        return Pretrained.of(self.victim).side

    def shared(self, name: str) -> Table:
        """Return the shared table `network`, `augment`, `noise` or `victim`.

        Raises:
            RequestError: if there is no such table.
        """
        tables: dict[str, Table] = {
            "network": self,
            "augment": self.augment,
            "noise": self.noise,
            "victim": self.victim,
        }
        if name not in tables:
            raise RequestError(f"{unknown('shared table', name, tables)} List a component's own table as its class.")
        return tables[name]

    @model_validator(mode="after")
    def _one_size(self) -> "Setup":
        if self.victim.augment and self.victim.augment.size != self.augment.size:
            raise ValueError("victim and noise must see images of the same size; give both views the same `size`")
        return self


class Protocol(Settings):
    """A named, versioned bundle of every number that can change a result.

    `setup` applies to every dataset except those in `datasets`, which have a whole setup each; a file states only how
    that differs. A file with `base = "smoke-v1"` states only how it differs from that shipped protocol: its `setup`
    overrides the base's numbers for every dataset, as `--set` does, and random draws are the base's unless it sets
    `stream`.

    Attributes:
        stream: the salt of every random draw; None: the protocol's name. Protocols with the same salt make the same
            draws, and `--set` keeps the salt.
    """

    name: Name
    title: str
    stream: Name | None = None
    setup: Setup
    datasets: dict[str, Setup] = Field(default_factory=dict)

    @property
    def salt(self) -> str:
        """The salt of every random draw."""
        return self.stream or self.name

    def for_dataset(self, dataset: str) -> Setup:
        """Return the numbers for a dataset, by its name in records."""
        return self.datasets.get(dataset, self.setup)


if TYPE_CHECKING:

    class Exclusion(Settings):
        """Field values that leave a cell out of a grid when all that are given match; one field per axis."""

        def __getattr__(self, name: str) -> Any: ...

    class _Lists(Settings):
        def __getattr__(self, name: str) -> Any: ...

else:
    Exclusion = create_model(
        "Exclusion",
        __base__=Settings,
        __doc__="Field values that exclude a cell from a grid if all those given match; one field per axis.",
        **{axis.field: ((str if axis.is_text else axis.kind) | None, None) for axis in AXES if axis.excludable},
    )
    _Lists = create_model(
        "_Lists",
        __base__=Settings,
        **{
            axis.listed: (
                Annotated[tuple[axis.kind, ...], Field(min_length=1)],
                ... if axis.usual is None else (axis.usual,),
            )
            for axis in AXES
            if axis.listed
        },
    )


class Grid(_Lists):
    """A set of cells: every combination of the listed values of `AXES`, less the exclusions.

    For shares below 100 percent, each victim is also trained on the unprotected part alone; a share of 0 is run for
    `clean` only.

    Attributes:
        name: its name, and that of its folder under `runs/`.
        title: one line on what it is for.
        protocol: a protocol's name.
        exclude: cells to leave out, each a set of field values that must all match.
    """

    name: Name
    title: str = ""
    protocol: str
    exclude: tuple[Exclusion, ...] = ()

    @model_validator(mode="after")
    def _something_is_protected(self) -> Self:
        if set(self.shares) == {0}:
            raise ValueError("a share of 0 alone protects no image; add another, e.g. shares=[0,100]")
        return self


class _Cell(Settings):
    """What noise and victim cells have in common: the names used to request a cell, and what decides its numbers.

    Attributes:
        dataset, protocol: names that decide nothing themselves: what they refer to is in `inputs` and `numbers`.
        inputs: what is used, each with its version or digest: `dataset`, `method`, `engine` if a surrogate is
            trained, `precision`, and `stream`, which seeds every random draw.
        numbers: the protocol tables that are read, each in full, without unset values.
    """

    dataset: Name
    method: Name
    seed: Count
    protocol: Name
    inputs: dict[str, str]
    numbers: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @cached_property
    def key(self) -> str:
        """The SHA-256, in hex, of what decides the cell's numbers, and of nothing else."""
        return digest_of(self.model_dump(mode="json", exclude=self._undigested()))

    def _undigested(self) -> set[str]:
        """Return the fields that the key leaves out."""
        return {"dataset", "protocol", "method"}

    def __copy__(self) -> Self:
        """Return a copy without the cached key, since the copy's fields may be changed."""
        copied = super().__copy__()
        copied.__dict__.pop("key", None)
        return copied


class NoiseCell(_Cell):
    """The noise of one (dataset, method, seed, protocol)."""

    kind: Literal["noise"] = "noise"

    @property
    def label(self) -> str:
        """The printed name that `--only` matches."""
        return f"{self.dataset}/{self.method}/noise/s{self.seed}"


class VictimCell(_Cell):
    """One victim trained on the images that one noise protects.

    Its `inputs` are those of its noise, the noise's key, `countermeasure`, `recipe` (how it is trained), and `weights`
    unless it is trained from scratch.

    Attributes:
        training: how the victim is trained.
        countermeasure: what the victim does against the noise.
        share: percent of the training images that are protected; which ones is drawn once per dataset and seed.
        part: what the victim is trained on: all images, or only the unprotected ones.
    """

    kind: Literal["victim"] = "victim"
    victim: Name
    training: Name = usual_of("training")
    rho_a: Radius
    countermeasure: Name = usual_of("countermeasure")
    share: Share = usual_of("share")
    part: Part = usual_of("part")

    @property
    def label(self) -> str:
        """The printed name that `--only` matches; usual trainings, countermeasures, shares and parts are omitted."""
        return f"{self.dataset}/{self.method}/{self.victim}/{'-'.join(label_words(self))}"

    def _undigested(self) -> set[str]:
        return super()._undigested() | unkeyed(self)


Cell = NoiseCell | VictimCell


def check_seed(seed: int) -> None:
    """Check that a cell can have this seed.

    Raises:
        RequestError: if it cannot.
    """
    if not 0 <= seed <= EXACT:
        raise RequestError(f"--seed takes a whole number from 0 to {EXACT}, not {seed}")


def digest_of(data: object) -> str:
    """Return the SHA-256, in hex, of JSON data in canonical form."""
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
