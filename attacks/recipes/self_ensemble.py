"""Sign steps towards another label on checkpoints of one training, as in SEP; with colour shifts, as in DUNE."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from pydantic import model_validator

from attacks.core.cost import Passes
from attacks.core.numbers import Colour
from attacks.core.settings import (
    IfSet,
    NoiseSettings,
    OptimiserSettings,
    OwnTable,
    Positive,
    Reads,
    Sgd,
    SignSteps,
)
from attacks.spec import Recipe
from attacks.task import NoiseResult, Task

if TYPE_CHECKING:
    from torch import Tensor


class EnsembleNumbers(OwnTable):
    """Hyperparameters of such a method; each method names its own table.

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


def shifted(labels: "Tensor", classes: int, by: int) -> "Tensor":
    """Return the class `by` places after each label, cyclically; the next one if that is the label itself."""
    return (labels + (by if by % classes else 1)) % classes


@dataclass(frozen=True, kw_only=True)
class SelfEnsemble(Recipe):
    """A network trained on random views of clean images, then sign steps on the mean loss of its checkpoints.

    Attributes:
        table: the table to read.
        target: (labels (n,), classes) -> the labels that the noise makes likelier.
    """

    table: type[EnsembleNumbers]
    target: "Callable[[Tensor, int], Tensor]"

    @property
    def reads(self) -> Reads:
        """The tables that decide the noise."""
        return ("network", "augment", "noise", self.table)

    def make(self, task: Task) -> NoiseResult:
        """Train the network, find the colour shifts and make the noise."""
        from attacks.engine.ensemble import Ensemble

        numbers = self.table.of(task.settings)
        return Ensemble(
            task,
            pretraining=numbers.pretraining,
            sgd=numbers.sgd,
            checkpoints=numbers.checkpoints,
            descent=numbers.descent,
            target=self.target,
            colour=numbers.colour,
        ).run()

    def passes(self, settings: NoiseSettings, images: int) -> Passes:
        """Return the image-passes of the training, of the search on its share, and of the sign steps on all images."""
        numbers = self.table.of(settings)
        colour, looks = numbers.colour, 0
        if colour:
            looks = max(1, int(images * colour.share)) * colour.particles * colour.rounds
        return Passes(
            attack=images * numbers.descent.steps * numbers.checkpoints,
            train=numbers.pretraining * min(settings.batch, images),
            forward=looks * numbers.checkpoints,
        )
