"""Sign steps on the features of a network trained adversarially on clean images, as in EntF."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from attacks.core.cost import Passes
from attacks.core.settings import Mean, NoiseSettings, OptimiserSettings, OwnTable, Positive, Reads, Sgd, SignSteps
from attacks.spec import Recipe
from attacks.task import NoiseResult, Task

if TYPE_CHECKING:
    from torch import Tensor


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
        return Entangling(
            replace(task, network=partial(task.network, mean=numbers.mean)),
            pretraining=numbers.pretraining,
            sgd=numbers.sgd,
            attack=numbers.attack,
            descent=numbers.descent,
            aim=self.aim,
        ).run()

    def passes(self, settings: NoiseSettings, images: int) -> Passes:
        """Return the image-passes of the adversarial training, the centroids and the sign steps on all images."""
        numbers = Entangled.of(settings)
        train = numbers.pretraining * min(settings.batch, images)
        attack = numbers.attack.steps if settings.rho_a else 0
        return Passes(attack=train * attack + images * numbers.descent.steps, train=train, forward=images)
