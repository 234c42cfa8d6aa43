"""The numbers that decide what noise is made; a protocol holds one `NoiseSettings`.

Radii are in units of 1/255. Nothing here imports torch, so that `plan` and `list` are fast.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator

# Raised when a correction of the engine or of the networks it trains changes the noise of every method with a network.
ENGINE_VERSION = 1

LONGEST_NAME = 80
NAME = rf"^[A-Za-z0-9][A-Za-z0-9._+-]{{0,{LONGEST_NAME - 1}}}$"
Name = Annotated[str, Field(pattern=NAME)]
EXACT = 2**53  # whole numbers up to this are exact in floats and for every JSON reader
Count = Annotated[int, Field(ge=0, le=EXACT)]
Positive = Annotated[int, Field(ge=1, le=EXACT)]
Rate = Annotated[float, Field(ge=0)]
Precision = Literal["fp32", "bf16", "fp64"]
Stems = Literal["by-size", "small"]
TAG = "kind="
LEAST_RADIUS = 0.1  # in 1/255; a smaller one, unless 0, must be in units of 1


def radius(value: object) -> object:
    """Return a radius in 1/255 unchanged, unless it is clearly given in units of 1.

    Raises:
        ValueError: if it is above 0 and below 0.1 (as 0.0314, used by other libraries for 8/255), or written `8/255`.
    """
    if isinstance(value, str) and (found := re.fullmatch(r"\s*([\d.]+)\s*/\s*255\s*", value)):
        raise ValueError(f"radii are in 1/255; did you mean {found[1]}?")
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return value  # pydantic refuses it as not a number, or too large
    if 0 < number < LEAST_RADIUS:
        meant = number * 255
        raise ValueError(f"radii are in 1/255; did you mean {round(meant) if meant >= 1 else f'{meant:.2g}'}?")
    return value


Radius = Annotated[float, Field(ge=0, le=255), BeforeValidator(radius)]

T = TypeVar("T")
IfSet = Annotated[T | None, Field(exclude_if=lambda value: value is None)]
"""A value that may be None and is then left out of dumps, so that digests from before it existed stay the same."""


class Settings(BaseModel):
    """A frozen model that refuses unknown keys and numbers that are not finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Table(Settings):
    """A table of a protocol, whose numbers enter the key of a cell together."""

    def numbers(self) -> dict[str, Any]:
        """Return its numbers as JSON data, without unset numbers and without the component tables inside it."""
        inside = {name for name, value in self if isinstance(value, OwnTable)} | set(self.model_extra or {})
        return self.model_dump(mode="json", exclude=inside, exclude_none=True)


class Section(Table):
    """A table that also holds component tables, each under its name, validated once the component is known."""

    model_config = ConfigDict(extra="allow")

    __pydantic_extra__: dict[str, dict[str, Any]] = Field(init=False)

    @property
    def tables(self) -> Mapping[str, dict[str, Any]]:
        """The component tables that are not among its fields, as written."""
        return self.model_extra or {}


class OwnTable(Table):
    """The numbers of one component (a recipe, a method, a countermeasure), in its own table.

    A subclass names the table: with `table = "blocks"`, a method reads `[setup.noise.blocks]`.
    """

    table: ClassVar[str]

    @classmethod
    def of(cls, section: Section) -> Self:
        """Return the numbers in a section, or the defaults if it has no such table.

        Raises:
            pydantic.ValidationError: if a number is invalid, or is missing and has no default.
        """
        found = getattr(section, cls.table, None)
        return found if isinstance(found, cls) else cls.model_validate(section.tables.get(cls.table, {}))


Reads = tuple[str | type[OwnTable], ...]
"""The tables that a component reads: shared ones by name (`Setup.shared`), and its own."""


STEP = "a step is a fraction of the radius; for steps of 2/255 inside 8/255, write 0.25"
LEAST_STEP, LEAST_WAY = 0.05, 0.5


def _is_fraction(step: float) -> float:
    if step > 1:
        raise ValueError(STEP)
    return step


class SignSteps(Settings):
    """Projected sign-gradient steps within a radius; `step` is a fraction of that radius."""

    steps: Count
    step: Annotated[float, Field(gt=0), AfterValidator(_is_fraction)]


def _cross(found: SignSteps) -> SignSteps:
    way = found.steps * found.step
    if found.step < LEAST_STEP and 0 < way < LEAST_WAY:
        raise ValueError(f"{found.steps} steps of {found.step:g} cover only {way:.0%} of the radius: {STEP}")
    return found


FreshSteps = Annotated[SignSteps, AfterValidator(_cross)]
"""Sign steps that restart each time: if they are small, there must be enough of them to cover half of the radius."""


def _is_optimiser(kind: object) -> object:
    if kind not in ("sgd", "adamw"):
        raise ValueError(f"must be 'sgd' or 'adamw', not {kind!r:.200}")
    return kind


class Sgd(Settings):
    """Stochastic gradient descent whose learning rate is multiplied by `gamma` at each milestone.

    A table without `kind` means SGD, and dumps leave `kind` out: such tables predate the other optimisers.
    """

    kind: Annotated[Literal["sgd"], BeforeValidator(_is_optimiser)] = Field(default="sgd", exclude=True)
    lr: Annotated[float, Field(gt=0)] = 0.1
    momentum: Rate = 0.9
    weight_decay: Rate = 5e-4
    milestones: tuple[Positive, ...] = ()
    gamma: Annotated[float, Field(gt=0, le=1)] = 0.1


class AdamW(Settings):
    """Adam with decoupled weight decay (Loshchilov and Hutter, ICLR 2019), with milestones as in `Sgd`."""

    kind: Literal["adamw"]
    lr: Annotated[float, Field(gt=0)] = 1e-3
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = (0.9, 0.999)
    eps: Annotated[float, Field(gt=0)] = 1e-8
    weight_decay: Rate = 1e-2
    milestones: tuple[Positive, ...] = ()
    gamma: Annotated[float, Field(gt=0, le=1)] = 0.1


def tagged(tag: str) -> Tag:
    """Return the tag of one member of a union; parts of an error's location with this prefix are not keys."""
    return Tag(f"{TAG}{tag}")


def _optimiser(value: object) -> str:
    kind = value.get("kind", "sgd") if isinstance(value, dict) else getattr(value, "kind", "sgd")
    return f"{TAG}adamw" if kind == "adamw" else f"{TAG}sgd"


def _channels(value: object) -> str:
    return f"{TAG}each" if isinstance(value, list | tuple) else f"{TAG}all"


OptimiserSettings = Annotated[
    Annotated[Sgd, tagged("sgd")] | Annotated[AdamW, tagged("adamw")], Discriminator(_optimiser)
]
"""An optimiser; the `kind` of a table says which, `sgd` if there is none."""

Mean = Annotated[
    Annotated[float, tagged("all")] | Annotated[tuple[float, ...], tagged("each")], Discriminator(_channels)
]
"""The mean subtracted from images in [0, 1]: one number, or one per channel."""

_Std = Annotated[float, Field(gt=0)]
Std = Annotated[Annotated[_Std, tagged("all")] | Annotated[tuple[_Std, ...], tagged("each")], Discriminator(_channels)]
"""The standard deviation that images are then divided by: one number, or one per channel."""


class Augment(Table):
    """The random view `T`, drawn per image.

    `shift` flips and crops at the image's own size after zero padding; `resized-crop` cuts a random box of 8 to 100%
    of the area and aspect ratio 3/4 to 4/3, as drawn by torchvision, and resizes it bilinearly to `size`.

    Attributes:
        kind, padding, size, flip: as above; `padding` applies to `shift` only.
        antialias: whether a `resized-crop` that shrinks a box averages over all that a pixel covers, as Pillow does, or
            uses only what lies next to its centre, as the papers' torchvision resized tensors.
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
        batch: batch size of the surrogate, and of the sign steps on class-wise noise.
        updates: surrogate steps per round.
        descent: sign steps per round on each sample-wise noise.
        class_descent: sign steps per round on each batch of class-wise noise.
        class_share: share of the images that class-wise noise is made on.
        train_error: the error rate on the noisy images below which the rounds end.
        rounds: the maximum number of rounds; noise that reaches it is kept, and its budget marked as exhausted.
        class_updates: surrogate steps per round for class-wise noise, if different from `updates`.
        sgd: the surrogate's optimiser, if different from that of the other methods; its milestones are ignored.
        stem, mean: of the surrogate, if different from those of the protocol's networks. The released code does not
            centre images (mean 0) and uses the 7x7 stem of ImageNet networks on ImageNet (`by-size`).
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
        pretraining: steps of that training, with the shared batch size.
        sgd: the optimiser of that training.
        descent: sign steps on the noise.
    """

    table: ClassVar[str] = "targeted"

    pretraining: Positive = 40_000
    sgd: OptimiserSettings = Sgd(milestones=(16_000, 32_000))
    descent: SignSteps = SignSteps(steps=250, step=0.008)


class NoiseSettings(Section):
    """The numbers that noise methods share, and the tables of methods with their own numbers.

    A number added later is None in a protocol that does not set it, so that no key of an older cell changes.

    Attributes:
        rho_u: bound of the noise; whole, because noise is rounded to whole 1/255.
        rho_a: radius of the perturbation of views and of the attack in the surrogate's update.
        steps: surrogate steps M.
        batch: batch size of the surrogate.
        views: views J that the noise's gradient is summed over, for methods that use views.
        descent: the K sign steps on the noise, within `rho_u`.
        ascent: the sign steps of the attack within `rho_a`.
        surrogate: victim name of the network that is trained while noise is made.
        sgd: the surrogate's optimiser.
        alternating, targeted: the tables of the original EM and of TAP.
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
