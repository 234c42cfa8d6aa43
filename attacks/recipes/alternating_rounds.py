"""The alternating rounds of the original EM, sample-wise or class-wise."""

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

# gradient norm that the surrogate's updates are clipped to, in the released configurations
LARGEST_GRADIENT = 5.0


@dataclass(frozen=True, kw_only=True)
class AlternatingRounds(Recipe):
    """Rounds of surrogate updates and of sign steps on stored noise, until the surrogate fits the noisy images.

    Attributes:
        classwise: make one noise per class, on a share of the images, instead of one per image.
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
        network = partial(task.network, **given.model_dump(include={"stem", "mean"}))  # only those that are set
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
        """Return the number of images used to make the noise and to measure the surrogate's error."""
        return max(1, int(images * settings.alternating.class_share)) if self.classwise else images

    def updates(self, settings: NoiseSettings) -> int:
        """Return the number of surrogate steps per round."""
        numbers = settings.alternating
        return (numbers.class_updates if self.classwise else None) or numbers.updates

    def passes(self, settings: NoiseSettings, images: int) -> Passes:
        """Return the maximum: in each round, the updates, the sign steps on the searched images and their error."""
        numbers, searched = settings.alternating, self.searched(settings, images)
        steps = numbers.class_descent.steps if self.classwise else numbers.descent.steps
        return Passes(
            attack=numbers.rounds * searched * steps,
            train=numbers.rounds * self.updates(settings) * min(numbers.batch, images),
            forward=numbers.rounds * searched,
        )
