"""Groups of numbers that the tables of methods and trainings are made of, beside those of all protocols."""

import math
from typing import Annotated

from pydantic import Field

from attacks.core.settings import Count, Positive, Rate, Settings, Sgd

Strength = Annotated[float, Field(ge=0, le=1)]  # of views, from none to all that contrastive learning takes


class CosineSgd(Settings):
    """Stochastic gradient descent over a number of epochs, with one rate in each.

    The rate rises linearly to `lr` in the first `warm_up` epochs and then falls to `last` along half a cosine
    (Loshchilov and Hutter, ICLR 2017, without restarts).
    """

    lr: Annotated[float, Field(gt=0)] = 0.1
    momentum: Rate = 0.9
    weight_decay: Rate = 1e-4
    warm_up: Count = 0
    last: Rate = 1e-6

    def rate(self, epoch: int, epochs: int) -> float:
        """Return the rate in an epoch, of 0 to `epochs` - 1."""
        if epoch < self.warm_up:
            return self.lr * (epoch + 1) / self.warm_up
        part = (epoch - self.warm_up) / (epochs - self.warm_up)
        return self.last + (self.lr - self.last) * (1 + math.cos(math.pi * part)) / 2

    @property
    def plain(self) -> Sgd:
        """The same at a constant rate."""
        return Sgd(lr=self.lr, momentum=self.momentum, weight_decay=self.weight_decay)


class Colour(Settings):
    """A search for one shift of colour per class by a particle swarm (Wang et al. 2026, released code).

    Attributes:
        particles: of the swarm.
        rounds: in which the swarm is judged, and moves.
        share: share of the images that it is judged on, the first of each class; a class without any keeps its colours.
    """

    particles: Positive = 10
    rounds: Positive = 10
    share: Annotated[float, Field(gt=0, le=1)] = 0.2
