"""Rounds of one epoch of surrogate training and one pass over the noise, which is kept from round to round."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from attacks.core.cost import Passes
from attacks.core.numbers import CosineSgd
from attacks.core.settings import Augment, NoiseSettings, OwnTable, Positive, Reads, SignSteps
from attacks.spec import Recipe
from attacks.task import NoiseResult, Task

if TYPE_CHECKING:
    from torch import Tensor

    from attacks.engine.rounds import Gradient
    from attacks.engine.views import View


class EpochNumbers(OwnTable):
    """Hyperparameters of such rounds; each method names its own table.

    Attributes:
        rounds: epochs of the surrogate, each followed by a pass over the noise.
        batch: number of images whose noise is updated together.
        descent: sign steps per round on each batch of noise.
        sgd: the surrogate's optimiser, with the shared batch size.
    """

    rounds: Positive = 100
    batch: Positive = 512
    descent: SignSteps = SignSteps(steps=10, step=0.025)
    sgd: CosineSgd = CosineSgd()


OwnNumbers = TypeVar("OwnNumbers", bound=EpochNumbers)


@dataclass(frozen=True, kw_only=True)
class EpochRounds(Recipe, Generic[OwnNumbers]):
    """In each round, a surrogate learns the noisy images for an epoch, then the noise of every image takes sign steps.

    The noise starts at zero. Each sign step is projected onto `rho_u` and onto valid images; the surrogate learns from
    the unclipped sum of image and unrounded noise.

    Attributes:
        table: the table to read.
        loss: the loss that the noise lowers: numbers -> (features (n, F) of a batch, labels (n,)) -> a scalar.
        steps: (numbers, round, counted from 0) -> the sign steps of that round.
        view: the random view that the surrogate learns and the noise is made for; None: the image itself.
    """

    table: type[OwnNumbers]
    loss: "Callable[[OwnNumbers], Callable[[Tensor, Tensor], Tensor]]"
    steps: Callable[[OwnNumbers, int], SignSteps] = lambda numbers, _round: numbers.descent
    view: Augment | None = None

    @property
    def reads(self) -> Reads:
        """The tables that decide the noise."""
        return ("network", "augment", "noise", self.table)

    def make(self, task: Task) -> NoiseResult:
        """Run the rounds."""
        from attacks.engine.descent import descend_valid
        from attacks.engine.frozen import FeatureLoss
        from attacks.engine.learner import over_epochs
        from attacks.engine.rounds import RoundPlan, Rounds
        from attacks.engine.stored import ImageNoise
        from attacks.engine.views import Same, draw

        numbers = self.table.of(task.settings)
        learner, updates = over_epochs(task, numbers.sgd, epochs=numbers.rounds, batch=task.settings.batch)
        stored = ImageNoise(task, numbers.batch)

        def view(count: int) -> "View":
            return draw(self.view, count, task.size, task.generator) if self.view else Same()

        def move(number: int, index: "Tensor", images: "Tensor", gradient: "Gradient") -> None:
            radius, steps = task.settings.rho_u, self.steps(numbers, number)
            stored.put(index, descend_valid(images, stored.of(index), gradient, radius=radius, steps=steps))

        plan = RoundPlan(
            rounds=numbers.rounds,
            updates=updates,
            move=move,
            loss=FeatureLoss(self.loss(numbers), together=True),
            before=view,
        )
        return Rounds(task, learner, plan, stored).run()

    def passes(self, settings: NoiseSettings, images: int) -> Passes:
        """Return the image-passes of an epoch of training and of the sign steps on all images, in each round."""
        numbers = self.table.of(settings)
        return Passes(attack=numbers.rounds * images * numbers.descent.steps, train=numbers.rounds * images)
