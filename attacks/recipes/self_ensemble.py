"""Sign steps towards another label on checkpoints of one training, as in SEP; with colour shifts, as in DUNE."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from attacks.core.cost import Passes
from attacks.core.numbers import EnsembleNumbers
from attacks.core.settings import NoiseSettings, Reads
from attacks.spec import Recipe
from attacks.task import NoiseResult, Task

if TYPE_CHECKING:
    from torch import Tensor


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

        return Ensemble(task, self.table.of(task.settings), self.target).run()

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
