"""Image-passes: the unit of cost that no hardware changes."""

from typing import Annotated

from pydantic import Field

from attacks.core.settings import Settings

Whole = Annotated[int, Field(ge=0)]  # of any size: a plan may ask for more than anyone can do


class Passes(Settings):
    """Image-passes, each one forward and one backward of one image.

    Attributes:
        attack: passes that take the gradient of the image only (frozen parameters).
        train: passes that take the gradient of the parameters.
        forward: images that only went forward (evaluation).
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


NONE = Passes()
