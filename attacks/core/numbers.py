"""Hyperparameters in addition to the shared ones: groups used in several tables, and tables that the engine reads."""

import math
from enum import Enum, auto
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from attacks.core.settings import (
    Count,
    IfSet,
    Mean,
    OptimiserSettings,
    OwnTable,
    Positive,
    Rate,
    Settings,
    Sgd,
    SignSteps,
)

Strength = Annotated[float, Field(ge=0, le=1)]  # of views: 0 is none, 1 is that of contrastive learning
Speed = Annotated[float, Field(gt=0)]  # a learning rate


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


class Entangled(OwnTable):
    """Hyperparameters of EntF (Wen et al. 2023; defaults for CIFAR-10).

    Attributes:
        pretraining: steps of the network's adversarial training within `rho_a`, with the shared batch size.
        sgd: the network's optimiser.
        attack: the attack's sign steps in that training.
        descent: sign steps on the noise.
        mean: what the network subtracts from images in [0, 1].
    """

    table: ClassVar[str] = "entf"

    pretraining: Positive = 39_000
    sgd: OptimiserSettings = Sgd(milestones=(29_250, 35_100))
    attack: SignSteps = SignSteps(steps=10, step=0.5)
    descent: SignSteps = SignSteps(steps=300, step=0.05)
    mean: Mean = 0.0


class EnsembleNumbers(OwnTable):
    """Hyperparameters of a self-ensemble; each method names its own table.

    Attributes:
        pretraining: steps of the training on clean images, with the shared batch size.
        sgd: the optimiser of that training.
        checkpoints: number of evenly spaced checkpoints that are kept.
        descent: sign steps on the noise.
        colour: the search for a colour shift of each class, if any.
    """

    pretraining: Positive = 46_800
    sgd: OptimiserSettings = Sgd(milestones=(29_250, 35_100))
    checkpoints: Positive
    descent: SignSteps
    colour: IfSet[Colour] = None

    @model_validator(mode="after")
    def _has_steps_for_checkpoints(self) -> Self:
        if self.checkpoints > self.pretraining:
            raise ValueError(f"cannot keep {self.checkpoints} checkpoints of {self.pretraining} steps")
        return self


class WrongLabel(Enum):
    """The kinds of wrong labels that BAIT aims at, in the order of its rounds."""

    LIKELIEST = auto()
    ANY = auto()
    UNLIKELIEST = auto()


class Bait(OwnTable):
    """Hyperparameters of BAIT; the defaults are those of the released code for CIFAR-10.

    Attributes:
        rounds: rounds in which surrogate and generator take turns, a third of them for each kind of wrong label.
        batch: batch size of both.
        sgd: the optimiser of the surrogate and of its copies.
        lr: learning rate of the generator's Adam.
        width, blocks: channels of the generator's first convolution, and number of its residual blocks.
    """

    table: ClassVar[str] = "bait"

    rounds: Positive = 90
    batch: Annotated[int, Field(ge=2)] = 512
    sgd: OptimiserSettings = Sgd()
    lr: Speed = 1e-3
    width: Positive = 16
    blocks: Positive = 8

    @property
    def kinds(self) -> list[WrongLabel]:
        """The kind of wrong label in each round."""
        kinds = list(WrongLabel)
        return [kinds[len(kinds) * number // self.rounds] for number in range(self.rounds)]


class Gue(OwnTable):
    """Hyperparameters of GUE; the defaults are those of the released code for CIFAR-10.

    Attributes:
        epochs: passes over the images.
        batch: images in a step of the game; the last of a pass may have fewer.
        updates: number of updates by which the copy of the surrogate is ahead of it.
        ahead_lr: learning rate of the copy's Adam, fresh in each step.
        surrogate_lr, generator_lr: their SGD learning rates.
        eta: how strongly the gap to the copy is closed.
        width: channels of the generator at full resolution.
    """

    table: ClassVar[str] = "gue"

    epochs: Positive = 50
    batch: Positive = 256
    updates: Positive = 10
    ahead_lr: Speed = 1e-4
    surrogate_lr: Speed = 0.01
    generator_lr: Speed = 0.1
    eta: Rate = 1.5
    width: Positive = 64
