"""Noise from a network trained on clean images: sign steps move each image towards a label or away from it."""

from collections.abc import Callable

from torch import Tensor

from attacks.engine.descent import round_noise
from attacks.engine.learner import Learner
from attacks.engine.phases import Phases
from attacks.engine.views import View
from attacks.task import NoiseResult, Task

Gradient = Callable[[Tensor], Tensor]


class Steps:
    """One run on `task`.

    Args:
        task: what the noise is made for.
        learner: the network and its training.
        pretraining: training steps on clean images.
        draw: count -> a view of that many images, both in training and for the noise.
        target: (labels (n,), classes) -> target labels (n,).
        descend: (images (n, C, H, W), function that returns the gradient at noisy images) -> noise, in [-1, 1].
        away: ascend the loss of the target instead of descending it.
    """

    def __init__(
        self,
        task: Task,
        learner: Learner,
        *,
        pretraining: int,
        draw: Callable[[int], View],
        target: Callable[[Tensor, int], Tensor],
        descend: Callable[[Tensor, Gradient], Tensor],
        away: bool = False,
    ) -> None:
        self._task = task
        self._learner = learner
        self._pretraining = pretraining
        self._draw = draw
        self._target = target
        self._descend = descend
        self._sign = -1 if away else 1

    def run(self) -> NoiseResult:
        """Make the noise.

        Raises:
            DivergedError: if the network's loss stops being finite.
        """
        return Phases(self._task, self._learner, steps=self._pretraining, step=self._learn, noise=self._noise).run()

    def _learn(self, index: Tensor) -> None:
        self._learner.learn_clean(index, self._draw(len(index)))

    def _noise(self, index: Tensor) -> Tensor:
        """Return the noise of the images at `index`, rounded, in units of 1/255."""
        task, twin = self._task, self._learner.twin()
        images = task.pixels(index)
        target = self._target(task.labels[index], task.classes)

        def gradient(noisy: Tensor) -> Tensor:
            view = self._draw(len(noisy))
            return view.adjoint(twin.gradient(view.apply(noisy), target)).mul_(self._sign)

        return round_noise(self._descend(images, gradient))
