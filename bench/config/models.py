"""Frozen models of a protocol, a grid and a cell."""

import hashlib
import json
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, create_model, model_validator

from attacks.core.errors import RequestError
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
    """The numbers of a protocol for one dataset, in tables; its own, without `precision`, are those of `network`.

    Attributes:
        precision: arithmetic of the networks; the loss is always at least fp32.
        stem: `by-size` gives a network the stem of small images where images are small, `small` ResNet, VGG and
            DenseNet at any size.
        init: `torch` gives ResNet, VGG and DenseNet PyTorch's defaults (in the papers' code their ResNets have
            them), `timm` leaves timm's own. Networks of the papers' code (`vgg16_bn_fu22`) keep theirs.
        mean, std: normalisation, the first layer of every network; one number, or one per channel.
        augment: the random view of noise, and of victims that have none of their own.
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
        """Return the numbers of the networks."""
        others = {name for name, value in self if isinstance(value, Table)} | {"precision"}
        return self.model_dump(mode="json", exclude=others, exclude_none=True)

    @property
    def weights_side(self) -> int | None:
        """The side that victims resize images to for weights that expect a size of their own, where not to that."""
        return Pretrained.of(self.victim).side

    def shared(self, name: str) -> Table:
        """Return the shared table `network`, `augment`, `noise` or `victim`."""
        tables: dict[str, Table] = {
            "network": self,
            "augment": self.augment,
            "noise": self.noise,
            "victim": self.victim,
        }
        return tables[name]

    @model_validator(mode="after")
    def _one_size(self) -> "Setup":
        if self.victim.augment and self.victim.augment.size != self.augment.size:
            raise ValueError("victim and noise must see images of the same size; give both views the same `size`")
        return self


class Protocol(Settings):
    """A named, versioned bundle of every number that can change a result.

    `setup` holds for every dataset but those in `datasets`, which have a whole setup of their own; a file states only
    where that differs. A file with `base = "smoke-v1"` states only where it differs from that shipped protocol: its
    `setup` overrides the base's numbers for every dataset, as `--set` does, and random draws are the base's unless it
    sets `stream`.

    Attributes:
        stream: the salt of every random draw; the protocol's name where it is absent. Two protocols of one salt draw
            alike, and `--set` keeps it.
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
        __doc__="Field values that leave a cell out of a grid when all that are given match; one field per axis.",
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
    """A set of cells: the lists of values of `AXES`, which are crossed, less the exclusions.

    Below 100 percent of protected images, each victim is also trained on the unprotected part alone, and at 0 on no
    method but `clean`.

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
    """What a noise and a victim have in common: names, by which it is asked for, and what decides its numbers.

    Attributes:
        dataset, protocol: names that decide nothing themselves: what they stand for is among `inputs` and `numbers`.
        inputs: what is used, each with its version or digest: `dataset`, `method`, `engine` where a surrogate is
            trained, `precision`, and `stream`, which every random draw is seeded by.
        numbers: the tables of the protocol that are read, each in full, without what is not set.
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
        """Return a copy without the key, since its fields may be set to others."""
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

    Its `inputs` are those of its noise, the noise's key and what else is used: `countermeasure`, and `recipe`, which is
    how it is trained.

    Attributes:
        training: how the victim is trained.
        countermeasure: what the victim does against the noise.
        share: percent of the training images that are protected; which ones is drawn once per dataset and seed.
        part: what the victim is trained on, all images or those alone that are not protected.
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
        """The printed name that `--only` matches; it names training, countermeasure and share if not the usual."""
        return f"{self.dataset}/{self.method}/{self.victim}/{'-'.join(label_words(self))}"

    def _undigested(self) -> set[str]:
        return super()._undigested() | unkeyed(self)


Cell = NoiseCell | VictimCell


def check_seed(seed: int) -> None:
    """Check that a seed is one that a cell can have.

    Raises:
        RequestError: where it is not.
    """
    if not 0 <= seed <= EXACT:
        raise RequestError(f"--seed takes a whole number from 0 to {EXACT}, not {seed}")


def digest_of(data: object) -> str:
    """Return the SHA-256, in hex, of JSON data in canonical form."""
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
