"""The steps of GUE's game: a noise generator against a network that learns the noisy images."""

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from attacks.core.cost import Passes
from attacks.core.settings import AdamW, NoiseSettings, OwnTable, Positive, Rate, Reads, Sgd
from attacks.spec import Recipe
from attacks.task import NoiseResult, Task

Speed = Annotated[float, Field(gt=0)]


class Gue(OwnTable):
    """Hyperparameters of GUE; the defaults are those of the released code for CIFAR-10.

    Attributes:
        epochs: passes over the images.
        batch: images in a step of the game.
        updates: number of updates by which the copy of the surrogate is ahead of it.
        ahead_lr: learning rate of the copy's Adam.
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


@dataclass(frozen=True, kw_only=True)
class GameSteps(Recipe):
    """A generator and a surrogate play against each other, one batch at a time; then the noise of all images is made.

    `attacks.methods.gue_liu24` describes a step.
    """

    reads: ClassVar[Reads] = ("network", "augment", "noise", Gue)

    def make(self, task: Task) -> NoiseResult:
        """Play the game and make the noise."""
        from attacks.engine.game import Game

        own = Gue.of(task.settings)
        plain = Sgd(lr=own.surrogate_lr, momentum=0, weight_decay=0)
        return Game(
            task,
            steps=own.epochs * math.ceil(len(task.images) / own.batch),
            batch=own.batch,
            updates=own.updates,
            ahead=AdamW(kind="adamw", lr=own.ahead_lr, weight_decay=0),
            surrogate=plain,
            generator=plain.model_copy(update={"lr": own.generator_lr}),
            eta=own.eta,
            width=own.width,
        ).run()

    def passes(self, settings: NoiseSettings, images: int) -> Passes:
        """Return the image-passes of the copy, the surrogate (clean and noisy images) and the generator."""
        own = Gue.of(settings)
        seen = own.epochs * images
        return Passes(attack=seen, train=(own.updates + 3) * seen, forward=images)
