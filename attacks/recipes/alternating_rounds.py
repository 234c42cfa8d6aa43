"""The rounds of the original EM, one noise per image or per class."""

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from attacks.core.cost import Passes
from attacks.core.settings import Alternating, NoiseSettings, Reads
from attacks.spec import Recipe
from attacks.task import NoiseResult, Task

if TYPE_CHECKING:
    from torch import Tensor

    from attacks.engine.rounds import Gradient

# the norm that the gradient of the surrogate's weights is clipped to, in the released configurations
LARGEST_GRADIENT = 5.0


@dataclass(frozen=True, kw_only=True)
class AlternatingRounds(Recipe):
    """Rounds of updates of a surrogate and of sign steps on stored noise, until the surrogate fits the noisy images.

    Attributes:
        classwise: make one noise per class, on a share of the images, rather than one per image.
    """

    reads: ClassVar[Reads] = ("network", "augment", "noise", Alternating)
    stops_early: ClassVar[bool] = True

    classwise: bool

    def make(self, task: Task) -> NoiseResult:
        """Run the rounds."""
        from attacks.engine.descent import descend
        from attacks.engine.learner import Learner
        from attacks.engine.rounds import RoundPlan, Rounds
        from attacks.engine.stored import ClassNoise, ImageNoise

        given = task.settings.alternating
        steps = given.class_descent if self.classwise else given.descent
        network = partial(task.network, **given.model_dump(include={"stem", "mean"}))  # those of them that are set
        learner = Learner(
            replace(task, network=network),
            (given.sgd or task.settings.sgd).model_copy(update={"milestones": ()}),
            given.batch,
            largest_gradient=LARGEST_GRADIENT,
        )
        searched = self.searched(task.settings, len(task.images))
        stored = ClassNoise(task, given.batch, searched) if self.classwise else ImageNoise(task)

        def move(_round: int, index: "Tensor", images: "Tensor", gradient: "Gradient") -> None:
            radius = task.settings.rho_u
            found = descend(images, stored.of(index), gradient, radius=radius, steps=steps, in_range=True)
            stored.put(index, found)

        plan = RoundPlan(
            rounds=given.rounds, updates=self.updates(task.settings), move=move, train_error=given.train_error
        )
        return Rounds(task, learner, plan, stored).run()

    def searched(self, settings: NoiseSettings, images: int) -> int:
        """Count the images that noise is made on and the surrogate's error is measured on."""
        return max(1, int(images * settings.alternating.class_share)) if self.classwise else images

    def updates(self, settings: NoiseSettings) -> int:
        """Count the surrogate's steps of a round."""
        numbers = settings.alternating
        return (numbers.class_updates if self.classwise else None) or numbers.updates

    def passes(self, settings: NoiseSettings, images: int) -> Passes:
        """Count the most: all rounds of updates, sign steps on the searched images and a look at their error."""
        numbers, searched = settings.alternating, self.searched(settings, images)
        steps = numbers.class_descent.steps if self.classwise else numbers.descent.steps
        return Passes(
            attack=numbers.rounds * searched * steps,
            train=numbers.rounds * self.updates(settings) * min(numbers.batch, images),
            forward=numbers.rounds * searched,
        )
