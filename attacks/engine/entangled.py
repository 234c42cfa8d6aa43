"""Entangled features: a robust network is trained on clean images, then sign steps move each image's features."""

from collections.abc import Callable

import torch
from torch import Tensor

from attacks.core.numbers import Entangled
from attacks.core.state import State
from attacks.engine.descent import descend_valid, parts, round_noise
from attacks.engine.frozen import FeatureLoss
from attacks.engine.learner import Learner
from attacks.engine.pgd import ascend
from attacks.engine.phases import Phases, Search
from attacks.engine.stored import class_sums
from attacks.engine.views import draw, draw_drift
from attacks.task import NoiseResult, Task

DRIFT = 1 / 8  # largest shift of a view, as a share of the side

Aim = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(features (n, F), labels (n,), centroids (classes, F), NaN for a class without images) -> the loss, a scalar."""


class Centroids:
    """The mean features of each class, accumulated batch by batch."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._sums = torch.empty(0, dtype=task.runtime.dtype, device=task.images.device)

    def add(self, features: Tensor, labels: Tensor) -> None:
        """Add the features (n, F) of a batch of images."""
        sums = class_sums(features, labels, self._task.classes)
        self._sums = sums if self._sums.numel() == 0 else self._sums + sums

    def means(self) -> Tensor:
        """Return the means (classes, F); NaN for a class without images."""
        return self._sums / torch.bincount(self._task.labels, minlength=self._task.classes)[:, None]

    def state(self) -> State:
        """Return the sums."""
        return {"sums": self._sums}

    def restore(self, state: State) -> None:
        """Resume from a state."""
        self._sums = state["sums"].to(self._sums.device)


class Entangling:
    """One run on `task`, towards or away from centroids depending on `aim`."""

    def __init__(self, task: Task, numbers: Entangled, aim: Aim) -> None:
        self._task = task
        self._numbers = numbers
        self._aim = aim
        self._learner = Learner(task, numbers.sgd, task.settings.batch)
        self._centroids = Centroids(task)
        self._loss: FeatureLoss | None = None

    def run(self) -> NoiseResult:
        """Make the noise.

        Raises:
            DivergedError: if the network's loss stops being finite.
        """
        every = parts(self._task.images)
        return Phases(
            self._task,
            self._learner,
            steps=self._numbers.pretraining,
            step=self._learn,
            search=Search(pieces=len(every), piece=lambda number: self._look(every[number])),
            kept=self._centroids,
            noise=self._noise,
        ).run()

    def _learn(self, index: Tensor) -> None:
        task, labels = self._task, self._task.labels[index]
        view = draw(task.augment, len(index), task.size, task.generator)
        attacked = ascend(
            self._learner.twin(),
            view.apply(task.pixels(index)),
            labels,
            radius=task.settings.rho_a,
            steps=self._numbers.attack,
            generator=task.generator,
        )
        self._learner.learn(attacked, labels)

    def _look(self, index: Tensor) -> None:
        features = self._learner.twin().features(self._task.pixels(index))
        self._centroids.add(features, self._task.labels[index])

    def _noise(self, index: Tensor) -> Tensor:
        """Return the rounded noise of the images at `index`, in 1/255: sign steps from a clipped normal draw."""
        task, twin, labels = self._task, self._learner.twin(), self._task.labels[index]
        if self._loss is None:
            means = self._centroids.means()
            self._loss = FeatureLoss(lambda features, own: self._aim(features, own, means))
        loss = self._loss
        images = task.pixels(index)

        def gradient(noisy: Tensor) -> Tensor:
            view = draw_drift(DRIFT, len(noisy), task.size, task.generator)
            return view.adjoint(twin.feature_gradient(loss, view.apply(noisy), labels))

        bound = task.settings.rho_u / 255
        start = torch.randn(images.shape, generator=task.generator, device=images.device, dtype=images.dtype)
        start = start.mul_(bound).clamp_(-bound, bound).contiguous(memory_format=torch.channels_last)
        steps = self._numbers.descent
        return round_noise(descend_valid(images, start, gradient, radius=task.settings.rho_u, steps=steps))
