"""Image-passes: the unit of cost that no hardware changes."""

from attacks.settings import Count, Settings


class Passes(Settings):
    """Image-passes, each one forward and one backward of one image.

    Attributes:
        attack: passes that take the gradient of the image only (frozen parameters).
        train: passes that take the gradient of the parameters.
        forward: images that only went forward (evaluation).
    """

    attack: Count = 0
    train: Count = 0
    forward: Count = 0

    def __add__(self, other: "Passes") -> "Passes":
        return Passes(
            attack=self.attack + other.attack, train=self.train + other.train, forward=self.forward + other.forward
        )

    def __sub__(self, other: "Passes") -> "Passes":
        return Passes(
            attack=self.attack - other.attack, train=self.train - other.train, forward=self.forward - other.forward
        )
