"""The numbers that decide what noise is made; a protocol holds one `NoiseSettings`.

Radii are in units of 1/255. Nothing here imports torch, so that plans and lists are quick.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    model_validator,
)

# Raised when a correction of the engine, or of the networks it trains, changes the noise of every method with one.
ENGINE_VERSION = 1

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,79}$")]
EXACT = 2**53  # up to here all readers of JSON, and floats, have whole numbers exact
Count = Annotated[int, Field(ge=0, le=EXACT)]
Positive = Annotated[int, Field(ge=1, le=EXACT)]
Rate = Annotated[float, Field(ge=0)]
Precision = Literal["fp32", "bf16", "fp64"]
Stems = Literal["by-size", "small"]

TAG = "kind="
LEAST_RADIUS = 0.1  # in 1/255, unless 0; a smaller one is in units of 1


def radius(value: object) -> object:
    """Return what is given as a radius in 1/255, unless it is plainly one in units of 1.

    Raises:
        ValueError: where it is above 0 and below 0.1 (0.0314, which other libraries mean by 8/255), or written `8/255`.
    """
    if isinstance(value, str) and (found := re.fullmatch(r"\s*([\d.]+)\s*/\s*255\s*", value)):
        raise ValueError(f"radii are in 1/255; did you mean {found[1]}?")
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return value  # refused as no number, or too large
    if 0 < number < LEAST_RADIUS:
        meant = number * 255
        raise ValueError(f"radii are in 1/255; did you mean {round(meant) if meant >= 1 else f'{meant:.2g}'}?")
    return value


Radius = Annotated[float, Field(ge=0, le=255), BeforeValidator(radius)]

T = TypeVar("T")
IfSet = Annotated[T | None, Field(exclude_if=lambda value: value is None)]
"""A number that may be absent, and then is absent from dumps too: digests made before it existed stay as they are."""


class Settings(BaseModel):
    """A frozen set of finite numbers that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Table(Settings):
    """Numbers of a protocol that the key of a cell takes together."""

    def numbers(self) -> dict[str, Any]:
        """Return its numbers as JSON data: without those of components' tables inside it, and what is not set."""
        inside = {name for name, value in self if isinstance(value, OwnTable)} | set(self.model_extra or {})
        return self.model_dump(mode="json", exclude=inside, exclude_none=True)


class Section(Table):
    """A table that also holds tables of components, each under its name, checked once the component is known."""

    model_config = ConfigDict(extra="allow")

    __pydantic_extra__: dict[str, dict[str, Any]] = Field(init=False)

    @property
    def tables(self) -> Mapping[str, dict[str, Any]]:
        """The tables of components that are not among its fields, as they were written."""
        return self.model_extra or {}


class OwnTable(Table):
    """The numbers of one component (a recipe, a method, a countermeasure), in a table of their own.

    A subclass names it: with `table = "blocks"`, a method reads `[setup.noise.blocks]`.
    """

    table: ClassVar[str]

    @classmethod
    def of(cls, section: Section) -> Self:
        """Return the numbers that a section holds; the defaults where it has no such table.

        Raises:
            pydantic.ValidationError: where a number is wrong, or is missing and has no default.
        """
        found = getattr(section, cls.table, None)
        return found if isinstance(found, cls) else cls.model_validate(section.tables.get(cls.table, {}))


Reads = tuple[str | type[OwnTable], ...]
"""What a component reads: names of shared tables (`network`, `augment`, `noise`, `victim`), and its own tables."""


STEP = "a step is a fraction of the radius; for steps of 2/255 inside 8/255, write 0.25"
LEAST_STEP, LEAST_WAY = 0.05, 0.5


def _is_fraction(step: float) -> float:
    if step > 1:
        raise ValueError(STEP)
    return step


class SignSteps(Settings):
    """Projected sign-gradient steps inside a radius; `step` is a fraction of that radius."""

    steps: Count
    step: Annotated[float, Field(gt=0), AfterValidator(_is_fraction)]


def _cross(found: SignSteps) -> SignSteps:
    way = found.steps * found.step
    if found.step < LEAST_STEP and 0 < way < LEAST_WAY:
        raise ValueError(f"{found.steps} steps of {found.step:g} cover only {way:.0%} of the radius: {STEP}")
    return found


FreshSteps = Annotated[SignSteps, AfterValidator(_cross)]
"""Sign steps that start afresh each time: small ones have to be enough to cross half of the radius."""


class Sgd(Settings):
    """Stochastic gradient descent whose rate is multiplied by `gamma` at each milestone.

    A table without a `kind` is one of SGD, and dumps leave it out: such tables are older than the other optimisers.
    """

    kind: Literal["sgd"] = Field(default="sgd", exclude=True)
    lr: Annotated[float, Field(gt=0)] = 0.1
    momentum: Rate = 0.9
    weight_decay: Rate = 5e-4
    milestones: tuple[Positive, ...] = ()
    gamma: Annotated[float, Field(gt=0, le=1)] = 0.1


class AdamW(Settings):
    """Adam with decoupled weight decay (Loshchilov and Hutter, ICLR 2019), and milestones as of `Sgd`."""

    kind: Literal["adamw"]
    lr: Annotated[float, Field(gt=0)] = 1e-3
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = (0.9, 0.999)
    eps: Annotated[float, Field(gt=0)] = 1e-8
    weight_decay: Rate = 1e-2
    milestones: tuple[Positive, ...] = ()
    gamma: Annotated[float, Field(gt=0, le=1)] = 0.1


def tagged(tag: str) -> Tag:
    """Return the tag of one kind of a union; the parts of an error's place that start so are none of its keys."""
    return Tag(f"{TAG}{tag}")


def _optimiser(value: object) -> str:
    kind = value.get("kind", "sgd") if isinstance(value, dict) else getattr(value, "kind", "sgd")
    return f"{TAG}adamw" if kind == "adamw" else f"{TAG}sgd"


def _channels(value: object) -> str:
    return f"{TAG}each" if isinstance(value, list | tuple) else f"{TAG}all"


OptimiserSettings = Annotated[
    Annotated[Sgd, tagged("sgd")] | Annotated[AdamW, tagged("adamw")], Discriminator(_optimiser)
]
"""An optimiser; a table says which by its `kind`, `sgd` where it has none."""

Mean = Annotated[
    Annotated[float, tagged("all")] | Annotated[tuple[float, ...], tagged("each")], Discriminator(_channels)
]
"""What is subtracted from images in [0, 1]: one number, or one per channel."""

_Std = Annotated[float, Field(gt=0)]
Std = Annotated[Annotated[_Std, tagged("all")] | Annotated[tuple[_Std, ...], tagged("each")], Discriminator(_channels)]
"""What they are then divided by: one number, or one per channel."""


class Augment(Table):
    """The random view `T`, drawn per image.

    `shift` flips and crops at the image's own size after zero padding; `resized-crop` cuts a random box of 8 to 100%
    of the area and ratio 3/4 to 4/3, as torchvision draws it, and resizes it bilinearly to `size`.

    Attributes:
        kind, padding, size, flip: as above; `padding` is a shift's.
        antialias: whether a `resized-crop` that makes a box smaller takes the mean over all that a pixel covers, as
            Pillow does, or only what lies next to its centre, as tensors were resized in the papers' torchvision.
    """

    kind: Literal["shift", "resized-crop"] = "shift"
    padding: Count = 4
    size: Positive | None = None
    flip: bool = True
    antialias: IfSet[bool] = None

    @model_validator(mode="after")
    def _shift_resizes_nothing(self) -> "Augment":
        if self.kind == "shift" and self.size is not None:
            raise ValueError("a shift keeps the image size; leave out `size` or use kind resized-crop")
        if self.kind == "shift" and self.antialias is not None:
            raise ValueError("a shift does not resize; leave out `antialias` or use kind resized-crop")
        return self


class Alternating(OwnTable):
    """Rounds of the original EM: some updates of the surrogate, then sign steps on the noise of the whole set.

    The defaults are those of Huang et al. 2021 (released code) for CIFAR-10.

    Attributes:
        batch: images in a surrogate step, and in a batch of the search for class-wise noise.
        updates: surrogate steps of a round.
        descent: sign steps of a round on each sample-wise noise.
        class_descent: sign steps of a round on each batch of a class-wise noise.
        class_share: share of the images that class-wise noise is made on.
        train_error: the share of wrong predictions on the noisy images under which the rounds end.
        rounds: the most rounds; ended by it, a noise is kept and said to have exhausted its budget.
        class_updates: surrogate steps of a round of class-wise noise, where not as many as of sample-wise noise.
        sgd: the surrogate's optimiser, where not that of the other methods; its milestones are left out.
        stem, mean: of the surrogate, where not those of the protocol's networks. The released code centres nothing
            (mean 0) and takes ImageNet's own 7x7 stem there (`by-size`).
    """

    table: ClassVar[str] = "alternating"

    batch: Positive = 512
    updates: Positive = 10
    descent: SignSteps = SignSteps(steps=20, step=0.1)
    class_descent: SignSteps = SignSteps(steps=1, step=0.1)
    class_share: Annotated[float, Field(gt=0, le=1)] = 0.2
    train_error: Annotated[float, Field(ge=0, lt=1)] = 0.01
    rounds: Positive = 100
    class_updates: IfSet[Positive] = None
    sgd: IfSet[OptimiserSettings] = None
    stem: IfSet[Stems] = None
    mean: IfSet[Mean] = None


class Targeted(OwnTable):
    """Sign steps towards another label on a network trained on clean images (Fowl et al. 2021; defaults for CIFAR-10).

    Attributes:
        pretraining: steps of that training, with the batch and the optimiser of the surrogate.
        sgd: its optimiser.
        descent: sign steps of the noise.
    """

    table: ClassVar[str] = "targeted"

    pretraining: Positive = 40_000
    sgd: OptimiserSettings = Sgd(milestones=(16_000, 32_000))
    descent: SignSteps = SignSteps(steps=250, step=0.008)


class NoiseSettings(Section):
    """The numbers that noise methods share, and tables of those that have numbers of their own.

    A number that is added is absent where a protocol does not set it (`None`), so that no key of an older cell changes.

    Attributes:
        rho_u: bound of the noise; whole, because noise is rounded to whole 1/255.
        rho_a: radius of the disturbance of views and of the attack on the surrogate's update.
        steps: surrogate steps M.
        batch: images in a surrogate step.
        views: views J that the noise's gradient is summed over, for methods that use views.
        descent: the K sign steps of the noise, inside `rho_u`.
        ascent: the sign steps of the attack inside `rho_a`.
        surrogate: victim name of the network that is trained while noise is made.
        sgd: its optimiser.
        alternating, targeted: the numbers that only the original EM and TAP need.
    """

    rho_u: Annotated[int, Field(ge=1, le=127), BeforeValidator(radius)] = 8
    rho_a: Radius = 4.0
    steps: Positive
    batch: Positive = 128
    views: Positive = 5
    descent: FreshSteps
    ascent: FreshSteps
    surrogate: str
    sgd: OptimiserSettings
    alternating: Alternating = Alternating()
    targeted: Targeted = Targeted()
