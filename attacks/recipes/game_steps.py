"""The steps of GUE's game: a generator of noise against a network that learns what it makes."""

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
    """The numbers of GUE; the defaults are those of the released code for CIFAR-10.

    Attributes:
        epochs: passes over the images.
        batch: images in a step of the game.
        updates: that the copy of the surrogate is ahead of it.
        ahead_lr: the rate of the copy's Adam.
        surrogate_lr, generator_lr: the rates of the SGD of both.
        eta: how strongly the gap to the copy is closed.
        width: channels of the generator at the images' own size.
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
    """Steps of a generator and a surrogate against each other, a batch at a time, then the noise of all images.

    `attacks.methods.gue_liu24` says what a step consists of.
    """

    reads: ClassVar[Reads] = ("network", "augment", "noise", Gue)

    def make(self, task: Task) -> NoiseResult:
        """Play."""
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
        """Count those of the copy, the surrogate (clean and noisy images) and the generator."""
        own = Gue.of(settings)
        seen = own.epochs * images
        return Passes(attack=seen, train=(own.updates + 3) * seen, forward=images)
