"""Groups of hyperparameters used in the tables of methods and trainings, in addition to the shared ones."""

import math
from typing import Annotated, Any, ClassVar

from pydantic import Field

from attacks.core.settings import Count, IfSet, OwnTable, Positive, Rate, Settings, Sgd

Strength = Annotated[float, Field(ge=0, le=1)]  # of views: 0 is none, 1 is that of contrastive learning


class CosineSgd(Settings):
    """Stochastic gradient descent over a number of epochs, with one learning rate per epoch.

    The rate rises linearly to `lr` in the first `warm_up` epochs and then falls towards `last` along half a cosine
    (Loshchilov and Hutter, ICLR 2017, without restarts).
    """

    lr: Annotated[float, Field(gt=0)] = 0.1
    momentum: Rate = 0.9
    weight_decay: Rate = 1e-4
    warm_up: Count = 0
    last: Rate = 1e-6

    def rate(self, epoch: int, epochs: int) -> float:
        """Return the learning rate in an epoch, from 0 to `epochs` - 1."""
        if epoch < self.warm_up:
            return self.lr * (epoch + 1) / self.warm_up
        part = (epoch - self.warm_up) / (epochs - self.warm_up)
        return self.last + (self.lr - self.last) * (1 + math.cos(math.pi * part)) / 2

    @property
    def plain(self) -> Sgd:
        """The same with a constant learning rate."""
        return Sgd(lr=self.lr, momentum=self.momentum, weight_decay=self.weight_decay)


class Colour(Settings):
    """A search for one colour shift per class by a particle swarm (Wang et al. 2026, released code).

    Attributes:
        particles: number of particles in the swarm.
        rounds: number of rounds, in each of which the swarm is evaluated and moved.
        share: share of the images it is evaluated on, the first of each class; a class without any gets no shift.
    """

    particles: Positive = 10
    rounds: Positive = 10
    share: Annotated[float, Field(gt=0, le=1)] = 0.2


class PretrainedSurrogate(OwnTable):
    """The pretrained network that a recipe starts from, if it needs one (`attacks.spec.Recipe.pretrained`).

    A key identifies the weights by digest and the network by its name in records; neither depends on a file's location.

    Attributes:
        network: a victim's name with weights, e.g. `resnet18.tv_in1k` or `resnet18-w8:FILE.safetensors`.
        side: pixels that images are resized to inside it, for weights from a package or from timm; None: the side that
            the weights were trained at.
    """

    table: ClassVar[str] = "pretrained"

    network: str = "resnet18.tv_in1k"
    side: IfSet[Positive] = 32

    def numbers(self) -> dict[str, Any]:
        """Return all but the network, which a user may give as a path."""
        return {name: value for name, value in super().numbers().items() if name != "network"}
