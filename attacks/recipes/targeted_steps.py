"""Sign steps towards another label on a network trained on clean images, as in TAP."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from attacks.core.cost import Passes
from attacks.core.settings import NoiseSettings, Reads, Targeted
from attacks.spec import Recipe
from attacks.task import NoiseResult, Task

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class TargetedSteps(Recipe):
    """A network trained on clean images, then sign steps towards another label on it.

    Attributes:
        target: (labels (n,), classes) -> the labels that the noise makes likelier.
    """

    reads: ClassVar[Reads] = ("network", "augment", "noise", Targeted)

    target: "Callable[[Tensor, int], Tensor]"

    def make(self, task: Task) -> NoiseResult:
        """Train the network and make the noise from a random start; it is cast to float16 before rounding."""
        from attacks.engine.descent import fresh_noise
        from attacks.engine.learner import Learner
        from attacks.engine.targeted import Gradient, Steps
        from attacks.engine.views import View, draw

        numbers = task.settings.targeted

        def view(count: int) -> View:
            return draw(task.augment, count, task.size, task.generator)

        def descend(images: "Tensor", gradient: Gradient) -> "Tensor":
            radius, steps = task.settings.rho_u, numbers.descent
            return fresh_noise(images, gradient, radius=radius, steps=steps, generator=task.generator).half()

        learner = Learner(task, numbers.sgd, task.settings.batch)
        return Steps(
            task, learner, pretraining=numbers.pretraining, draw=view, target=self.target, descend=descend
        ).run()

    def passes(self, settings: NoiseSettings, images: int) -> Passes:
        """Return the image-passes of the network's training and of the sign steps on all images."""
        numbers = settings.targeted
        return Passes(attack=images * numbers.descent.steps, train=numbers.pretraining * min(settings.batch, images))
