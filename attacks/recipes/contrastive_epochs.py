"""Alternating epochs of surrogate training and noise updates on contrastive-learning views, as in AUE."""

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

    from attacks.engine.rounds import Gradient, Move
    from attacks.engine.stored import StoredNoise


class Aue(OwnTable):
    """Hyperparameters of AUE; the defaults are those of the released code for CIFAR-10.

    Attributes:
        epochs: passes over all images, each once for the network and once for the noise.
        batch: batch size of the network's updates, and of the sign steps on class-wise noise.
        sgd: the network's optimiser.
        descent: sign steps per epoch on each sample-wise noise.
        class_descent: sign steps on class-wise noise per batch.
        strength: strength of the views.
        mean: what the network subtracts from images in [0, 1].
    """

    table: ClassVar[str] = "aue"

    epochs: Positive = 60
    batch: Positive = 128
    sgd: CosineSgd = CosineSgd()
    descent: SignSteps = SignSteps(steps=5, step=0.1)
    class_descent: SignSteps = SignSteps(steps=1, step=0.1)
    strength: Strength = 0.6
    mean: Mean = 0.0


@dataclass(frozen=True, kw_only=True)
class ContrastiveEpochs(Recipe):
    """A network and noise that lowers its loss, both on contrastive-learning views.

    Attributes:
        classwise: make one noise per class instead of one per image.
    """

    reads: ClassVar[Reads] = ("network", "augment", "noise", Aue)

    classwise: bool

    def make(self, task: Task) -> NoiseResult:
        """Run the epochs."""
        from attacks.engine.contrastive import drawer
        from attacks.engine.learner import over_epochs
        from attacks.engine.rounds import RoundPlan, Rounds

        numbers = Aue.of(task.settings)
        given = replace(task, network=partial(task.network, mean=numbers.mean))
        learner, updates = over_epochs(given, numbers.sgd, epochs=numbers.epochs, batch=numbers.batch)
        stored, move = (per_class if self.classwise else per_image)(task, numbers)
        view = drawer(task, numbers.strength)
        return Rounds(
            given, learner, RoundPlan(rounds=numbers.epochs, updates=updates, move=move, after=view), stored
        ).run()

    def passes(self, settings: NoiseSettings, images: int) -> Passes:
        """Return the image-passes of the updates and of the sign steps, on all images in each epoch."""
        numbers = Aue.of(settings)
        steps = numbers.class_descent.steps if self.classwise else numbers.descent.steps
        return Passes(attack=numbers.epochs * steps * images, train=numbers.epochs * images)


def per_image(task: Task, numbers: Aue) -> "tuple[StoredNoise, Move]":
    """Return storage for one noise per image, and the sign steps on it, which keep the noisy image in [0, 1]."""
    from attacks.engine.descent import cut, descend
    from attacks.engine.stored import ImageNoise

    stored, radius, steps = ImageNoise(task), task.settings.rho_u, numbers.descent

    def move(_round: int, index: "Tensor", images: "Tensor", gradient: "Gradient") -> None:
        found = descend(images, stored.of(index), gradient, radius=radius, steps=steps, in_range=True)
        stored.put(index, cut(images, found))

    return stored, move


def per_class(task: Task, numbers: Aue) -> "tuple[StoredNoise, Move]":
    """Return storage for one noise per class, and the sign steps on it, on batches of all images."""
    from attacks.engine.stored import ClassNoise

    stored, radius, steps = ClassNoise(task, numbers.batch), task.settings.rho_u, numbers.class_descent

    def move(_round: int, index: "Tensor", images: "Tensor", gradient: "Gradient") -> None:
        stored.descend(index, images, gradient, radius=radius, steps=steps)

    return stored, move
