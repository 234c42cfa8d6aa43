"""The steps of GUE's game: a noise generator against a network that learns the noisy images."""

from dataclasses import dataclass
from typing import ClassVar

from attacks.core.cost import Passes
from attacks.core.numbers import Gue
from attacks.core.settings import NoiseSettings, Reads
from attacks.spec import Recipe
from attacks.task import NoiseResult, Task


@dataclass(frozen=True, kw_only=True)
class GameSteps(Recipe):
    """A generator and a surrogate play against each other, one batch at a time; then the noise of all images is made.

    `attacks.methods.gue_liu24` describes a step.
    """

    reads: ClassVar[Reads] = ("network", "augment", "noise", Gue)

    def make(self, task: Task) -> NoiseResult:
        """Play the game and make the noise."""
        from attacks.engine.game import Game

        return Game(task, Gue.of(task.settings)).run()

    def passes(self, settings: NoiseSettings, images: int) -> Passes:
        """Return the image-passes of the copy, the surrogate (clean and noisy images) and the generator."""
        own = Gue.of(settings)
        seen = own.epochs * images
        return Passes(attack=seen, train=(own.updates + 3) * seen, forward=images)
