"""Targeted noise: a network learns clean images, then sign steps take each image towards another label."""

from collections.abc import Callable

from torch import Tensor

from attacks.engine.descent import fresh_noise, rounded
from attacks.engine.learner import Learner
from attacks.engine.phases import Phases
from attacks.engine.views import View, draw
from attacks.task import NoiseResult, Task


class Steps:
    """One run on `task`, towards `target`: (labels (n,), classes) -> labels (n,)."""

    def __init__(self, task: Task, target: Callable[[Tensor, int], Tensor]) -> None:
        self._task = task
        self._target = target
        self._settings = task.settings.targeted
        self._learner = Learner(task, self._settings.sgd, task.settings.batch)

    def run(self) -> NoiseResult:
        """Make the noise.

        Raises:
            DivergedError: where the network's loss stops being finite.
        """
        steps = self._settings.pretraining
        return Phases(self._task, self._learner, steps=steps, step=self._learn, noise=self._noise).run()

    def _view(self, count: int) -> View:
        size = (self._task.images.shape[2], self._task.images.shape[3])
        return draw(self._task.augment, count, size, self._task.generator)

    def _learn(self, index: Tensor) -> None:
        images = self._task.runtime.pixels(self._task.images[index])
        self._learner.learn(self._view(len(index)).apply(images), self._task.labels[index])

    def _noise(self, index: Tensor) -> Tensor:
        """Return the noise of some images, rounded from float16, in units of 1/255: sign steps from a random start."""
        task, twin = self._task, self._learner.twin()
        images = task.runtime.pixels(task.images[index])
        target = self._target(task.labels[index], task.classes)

        def gradient(noisy: Tensor) -> Tensor:
            view = self._view(len(noisy))
            return view.adjoint(twin.gradient(view.apply(noisy), target))

        radius, steps = task.settings.rho_u, self._settings.descent
        return rounded(fresh_noise(images, gradient, radius=radius, steps=steps, generator=task.generator).half())
