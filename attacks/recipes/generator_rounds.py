"""The rounds of BAIT: a generator of class-wise noise and a surrogate that starts from pretrained weights."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from attacks.core.cost import Passes
from attacks.core.settings import AdamW, NoiseSettings, OptimiserSettings, OwnTable, Positive, Reads, Sgd
from attacks.spec import Recipe
from attacks.task import NoiseResult, Task

LARGEST_GRADIENT = 5.0  # the norm that the surrogate's gradient is clipped to, in the released configurations


class Bait(OwnTable):
    """The numbers of BAIT; the defaults are the released code's for CIFAR-10.

    Attributes:
        rounds: in which surrogate and generator take turns; a third of them has each kind of wrong label.
        batch: images in a step of either.
        sgd: the surrogate's optimiser, and that of its copies.
        lr: the rate of the generator's Adam.
        width, blocks: channels of the generator's first convolution, and its residual blocks.
    """

    table: ClassVar[str] = "bait"

    rounds: Positive = 90
    batch: Annotated[int, Field(ge=2)] = 512
    sgd: OptimiserSettings = Sgd()
    lr: Annotated[float, Field(gt=0)] = 1e-3
    width: Positive = 16
    blocks: Positive = 8


@dataclass(frozen=True, kw_only=True)
class GeneratorRounds(Recipe):
    """Rounds of a generator's training against a copy of the surrogate one update ahead, then that update itself.

    `attacks.methods.bait_li26` says what a round consists of.
    """

    reads: ClassVar[Reads] = ("network", "augment", "noise", Bait)
    pretrained: ClassVar[bool] = True

    def make(self, task: Task) -> NoiseResult:
        """Run the rounds."""
        from attacks.engine.baited import BaitedRounds

        own = Bait.of(task.settings)
        return BaitedRounds(
            task,
            rounds=own.rounds,
            batch=own.batch,
            sgd=own.sgd,
            largest_gradient=LARGEST_GRADIENT,
            adam=AdamW(kind="adamw", lr=own.lr, weight_decay=0),
            width=own.width,
            blocks=own.blocks,
        ).run()

    def passes(self, settings: NoiseSettings, images: int) -> Passes:
        """Count those of surrogate and copy, and those of the generator, which costs as much or more."""
        own = Bait.of(settings)
        batch = min(own.batch, images)
        seen = images // batch * batch
        looks = sum(3 * number // own.rounds != 1 for number in range(own.rounds))  # rounds that look at clean logits
        return Passes(
            attack=own.rounds * seen,
            train=own.rounds * (2 * batch + seen),
            forward=(own.rounds + looks) * seen + images,
        )
