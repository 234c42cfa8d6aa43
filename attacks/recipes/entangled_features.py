"""Sign steps on the features of a network trained adversarially on clean images, as in EntF."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from attacks.core.cost import Passes
from attacks.core.numbers import Entangled
from attacks.core.settings import NoiseSettings, Reads
from attacks.spec import Recipe
from attacks.task import NoiseResult, Task

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class EntangledFeatures(Recipe):
    """A network trained on attacked clean images, the mean features of each class, then sign steps on features.

    Attributes:
        aim: (features (n, F), labels (n,), mean features (classes, F), NaN for a class without images) -> the loss
            that the noise lowers, a scalar.
    """

    reads: ClassVar[Reads] = ("network", "augment", "noise", Entangled)

    aim: "Callable[[Tensor, Tensor, Tensor], Tensor]"

    def make(self, task: Task) -> NoiseResult:
        """Train the network, compute the centroids and make the noise."""
        from attacks.engine.entangled import Entangling

        numbers = Entangled.of(task.settings)
        given = replace(task, network=partial(task.network, mean=numbers.mean))
        return Entangling(given, numbers, self.aim).run()

    def passes(self, settings: NoiseSettings, images: int) -> Passes:
        """Return the image-passes of the adversarial training, the centroids and the sign steps on all images."""
        numbers = Entangled.of(settings)
        train = numbers.pretraining * min(settings.batch, images)
        attack = numbers.attack.steps if settings.rho_a else 0
        return Passes(attack=train * attack + images * numbers.descent.steps, train=train, forward=images)
