"""The numbers that decide what noise is made; a protocol holds one `NoiseSettings`.

Radii are in units of 1/255. Nothing here imports torch, so that plans and lists are quick.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

ENGINE_VERSION = 1  # raised when a correction of the engine changes the noise of every method

Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Radius = Annotated[float, Field(ge=0, le=255)]
Rate = Annotated[float, Field(ge=0)]
Precision = Literal["fp32", "bf16", "fp64"]


class Settings(BaseModel):
    """A frozen set of numbers that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SignSteps(Settings):
    """Projected sign-gradient steps inside a radius; `step` is a fraction of that radius."""

    steps: Count
    step: Annotated[float, Field(gt=0, le=1)]


class Sgd(Settings):
    """Stochastic gradient descent whose rate is multiplied by `gamma` at each milestone."""

    lr: Annotated[float, Field(gt=0)] = 0.1
    momentum: Rate = 0.9
    weight_decay: Rate = 5e-4
    milestones: tuple[Positive, ...] = ()
    gamma: Annotated[float, Field(gt=0, le=1)] = 0.1


class Augment(Settings):
    """The random view `T`, drawn per image.

    `shift` flips and crops at the image's own size after zero padding; `resized-crop` cuts a random area
    of 8 to 100% and ratio 3/4 to 4/3 and resizes it bilinearly to `size`.
    """

    kind: Literal["shift", "resized-crop"] = "shift"
    padding: Count = 4
    size: Positive | None = None
    flip: bool = True

    @model_validator(mode="after")
    def _shift_keeps_the_size(self) -> "Augment":
        if self.kind == "shift" and self.size is not None:
            raise ValueError("a shift keeps the image's own size; leave `size` out, or take kind resized-crop")
        return self


class NoiseSettings(Settings):
    """Every number of a noise method.

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
    """

    rho_u: Annotated[int, Field(ge=1, le=127)] = 8
    rho_a: Radius = 4
    steps: Positive
    batch: Positive = 128
    views: Positive = 5
    descent: SignSteps
    ascent: SignSteps
    surrogate: str
    sgd: Sgd
