"""The rounds of BAIT: a generator of class-wise noise and a surrogate with pretrained weights."""

from dataclasses import dataclass
from typing import ClassVar

from attacks.core.cost import Passes
from attacks.core.numbers import Bait, WrongLabel
from attacks.core.settings import NoiseSettings, Reads
from attacks.spec import Recipe
from attacks.task import NoiseResult, Task


@dataclass(frozen=True, kw_only=True)
class GeneratorRounds(Recipe):
    """Each round trains a generator against a copy of the surrogate one update ahead, then makes that update.

    `attacks.methods.bait_li26` describes a round.
    """

    reads: ClassVar[Reads] = ("network", "augment", "noise", Bait)
    pretrained: ClassVar[bool] = True

    def make(self, task: Task) -> NoiseResult:
        """Run the rounds."""
        from attacks.engine.baited import BaitedRounds

        return BaitedRounds(task, Bait.of(task.settings)).run()

    def passes(self, settings: NoiseSettings, images: int) -> Passes:
        """Return the image-passes of surrogate, copy and generator; one of the generator costs as much or more."""
        own = Bait.of(settings)
        batch = min(own.batch, images)
        seen = images // batch * batch
        looks = sum(kind is not WrongLabel.ANY for kind in own.kinds)  # rounds that need the logits of clean images
        return Passes(
            attack=own.rounds * seen,
            train=own.rounds * (2 * batch + seen),
            forward=(own.rounds + looks) * seen + images,
        )
