"""Sign steps on contrastive-learning views, with a network trained on such views of clean images, as in AAP."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from attacks.core.cost import Passes
from attacks.core.numbers import CosineSgd, Strength
from attacks.core.settings import Mean, NoiseSettings, OwnTable, Positive, Reads, SignSteps
from attacks.spec import Recipe
from attacks.task import NoiseResult, Task

if TYPE_CHECKING:
    from torch import Tensor


class Aap(OwnTable):
    """Hyperparameters of AAP; the defaults are those of the released code for CIFAR-10.

    Attributes:
        epochs: epochs of the network's training on clean images.
        batch: batch size of that training.
        sgd: the network's optimiser.
        descent: sign steps on the noise.
        strength: strength of the views.
        mean: what the network subtracts from images in [0, 1].
    """

    table: ClassVar[str] = "aap"

    epochs: Positive = 40
    batch: Positive = 128
    sgd: CosineSgd = CosineSgd(lr=0.5, warm_up=10)
    descent: SignSteps = SignSteps(steps=250, step=0.01)
    strength: Strength = 0.4
    mean: Mean = 0.0


@dataclass(frozen=True, kw_only=True)
class ContrastiveSteps(Recipe):
    """A network trained on views of clean images, then sign steps on such views, starting from zero noise.

    Attributes:
        target: (labels (n,), classes) -> the labels whose loss the noise descends.
        away: ascend their loss instead.
    """

    reads: ClassVar[Reads] = ("network", "augment", "noise", Aap)

    target: "Callable[[Tensor, int], Tensor]"
    away: bool = False

    def make(self, task: Task) -> NoiseResult:
        """Train the network and make the noise."""
        import torch

        from attacks.engine.contrastive import drawer
        from attacks.engine.descent import cut, descend
        from attacks.engine.learner import over_epochs
        from attacks.engine.targeted import Gradient, Steps

        numbers = Aap.of(task.settings)
        given = replace(task, network=partial(task.network, mean=numbers.mean))
        learner, each = over_epochs(given, numbers.sgd, epochs=numbers.epochs, batch=numbers.batch)

        def noise(images: "Tensor", gradient: Gradient) -> "Tensor":
            radius, start = task.settings.rho_u, torch.zeros_like(images)
            found = descend(images, start, gradient, radius=radius, steps=numbers.descent, in_range=True)
            return cut(images, found)

        return Steps(
            given,
            learner,
            pretraining=numbers.epochs * each,
            draw=drawer(task, numbers.strength),
            target=self.target,
            descend=noise,
            away=self.away,
        ).run()

    def passes(self, settings: NoiseSettings, images: int) -> Passes:
        """Return the image-passes of the network's training and of the sign steps on all images."""
        numbers = Aap.of(settings)
        return Passes(attack=images * numbers.descent.steps, train=images * numbers.epochs)
