"""The rounds of BAIT: a generator of class-wise noise and a surrogate with pretrained weights."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from attacks.core.cost import Passes
from attacks.core.settings import AdamW, NoiseSettings, OptimiserSettings, OwnTable, Positive, Reads, Sgd
from attacks.spec import Recipe
from attacks.task import NoiseResult, Task

LARGEST_GRADIENT = 5.0  # norm that the surrogate's gradient is clipped to, in the released configurations
KINDS = 3  # of wrong labels


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
    lr: Annotated[float, Field(gt=0)] = 1e-3
    width: Positive = 16
    blocks: Positive = 8

    @property
    def kinds(self) -> list[int]:
        """The kind of wrong label in each round: 0 the likeliest, 1 any, 2 the unlikeliest."""
        return [KINDS * number // self.rounds for number in range(self.rounds)]


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

        own = Bait.of(task.settings)
        return BaitedRounds(
            task,
            kinds=own.kinds,
            batch=own.batch,
            sgd=own.sgd,
            largest_gradient=LARGEST_GRADIENT,
            adam=AdamW(kind="adamw", lr=own.lr, weight_decay=0),
            width=own.width,
            blocks=own.blocks,
        ).run()

    def passes(self, settings: NoiseSettings, images: int) -> Passes:
        """Return the image-passes of surrogate, copy and generator; one of the generator costs as much or more."""
        own = Bait.of(settings)
        batch = min(own.batch, images)
        seen = images // batch * batch
        looks = sum(kind != 1 for kind in own.kinds)  # rounds that need the logits of clean images
        return Passes(
            attack=own.rounds * seen,
            train=own.rounds * (2 * batch + seen),
            forward=(own.rounds + looks) * seen + images,
        )
