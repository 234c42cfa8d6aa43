"""Image-passes: the hardware-independent unit of cost."""

from typing import Annotated

from pydantic import Field

from attacks.core.settings import Settings

Whole = Annotated[int, Field(ge=0)]  # without an upper bound: a plan may be larger than anyone can run


class Passes(Settings):
    """Image-passes, each one forward and one backward pass of one image.

    Attributes:
        attack: passes with a gradient for the image only (frozen parameters).
        train: passes with a gradient for the parameters.
        forward: images with only a forward pass (evaluation).
    """

    attack: Whole = 0
    train: Whole = 0
    forward: Whole = 0

    def __add__(self, other: "Passes") -> "Passes":
        return Passes(
            attack=self.attack + other.attack, train=self.train + other.train, forward=self.forward + other.forward
        )

    def __sub__(self, other: "Passes") -> "Passes":
        return Passes(
            attack=self.attack - other.attack, train=self.train - other.train, forward=self.forward - other.forward
        )

    def __mul__(self, times: int) -> "Passes":
        return Passes(attack=self.attack * times, train=self.train * times, forward=self.forward * times)

    @property
    def full(self) -> int:
        """The number of full image-passes, forward and backward."""
        return self.attack + self.train

    @property
    def work(self) -> float:
        """Their time in attack passes of the same network: a training pass counts 1.5, a forward pass 0.5."""
        return self.attack + 1.5 * self.train + 0.5 * self.forward


NONE = Passes()
