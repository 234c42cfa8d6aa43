"""The surrogate loop: EM, REM and SEM are three settings of this loop.

Each of M steps draws a shuffled batch, makes its noise with the current surrogate, and updates the surrogate once on
the noisy batch. One pass over all images then makes the final noise with the last surrogate.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from attacks.core.settings import NoiseSettings
from attacks.engine.descent import cut, fresh_noise, round_noise
from attacks.engine.frozen import FrozenNetwork
from attacks.engine.learner import Learner
from attacks.engine.pgd import ascend
from attacks.engine.phases import Phases
from attacks.engine.views import Same, View, draw
from attacks.task import NoiseResult, Task

Disturbance = Callable[[FrozenNetwork, Tensor, Tensor, NoiseSettings, torch.Generator], Tensor]


class Loop:
    """One run of the surrogate loop on `task`, as described in `attacks.recipes.surrogate_loop.SurrogateLoop`."""

    def __init__(
        self,
        task: Task,
        *,
        views: bool,
        disturb: Disturbance | None,
        robust_update: bool,
        augment_batch: bool,
        in_range: bool,
        clean_loss: Callable[[Tensor], Tensor] | None,
    ) -> None:
        self._task = task
        self._views = task.settings.views if views else 0  # 0: the image itself
        self._disturb = disturb
        self._robust_update = robust_update
        self._augment_batch = augment_batch
        self._in_range = in_range
        self._clean_loss = clean_loss
        self._learner = Learner(task, task.settings.sgd, task.settings.batch)

    def run(self) -> NoiseResult:
        """Make the noise.

        Raises:
            DivergedError: if the surrogate's loss stops being finite.
        """
        steps = self._task.settings.steps
        return Phases(self._task, self._learner, steps=steps, step=self._step, noise=self._final).run()

    def _batch(self, index: Tensor) -> Tensor:
        images = self._task.pixels(index)
        if not self._augment_batch:
            return images
        whole = self._task.augment.model_copy(update={"size": None})  # the noise has the image's own size
        return draw(whole, len(images), self._task.size, self._task.generator).apply(images)

    def _draw(self, count: int) -> View:
        return draw(self._task.augment, count, self._task.size, self._task.generator)

    def _step(self, index: Tensor) -> None:
        images, labels = self._batch(index), self._task.labels[index]
        noisy = self._noisy(images, self._noise(images, labels))
        view = self._draw(len(noisy)) if self._robust_update else Same()
        noisy = view.apply(noisy).clamp_(0, 1)  # as released; for a resized crop, clipping first would differ
        if self._robust_update:
            noisy = ascend(
                self._learner.twin(),
                noisy,
                labels,
                radius=self._task.settings.rho_a,
                steps=self._task.settings.ascent,
                generator=self._task.generator,
            )
        beside = (self._draw(len(images)).apply(images), self._clean_loss) if self._clean_loss else None
        self._learner.learn(noisy, labels, beside)

    def _final(self, index: Tensor) -> Tensor:
        return round_noise(self._noise(self._batch(index), self._task.labels[index]))

    def _noise(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return the noise of a batch, (n, C, H, W) in [-1, 1]: K sign steps down from a random start."""
        settings = self._task.settings
        noise = fresh_noise(
            images,
            lambda noisy: self._gradient(noisy, labels),
            radius=settings.rho_u,
            steps=settings.descent,
            generator=self._task.generator,
            in_range=self._in_range,
        )
        return cut(images, noise).half() if self._in_range else noise

    def _noisy(self, images: Tensor, noise: Tensor) -> Tensor:
        """Return the unclipped sum of images and noise that the surrogate is trained on."""
        return images + (noise if self._in_range else round_noise(noise) / 255)

    def _gradient(self, noisy: Tensor, labels: Tensor) -> Tensor:
        """Return the gradient at the images, summed over J views."""
        twin, count, many = self._learner.twin(), len(noisy), self._views or 1
        view = self._draw(count * many) if self._views else Same()
        seen, target = view.apply(noisy.repeat(many, 1, 1, 1)), labels.repeat(many)
        if self._disturb:
            seen = self._disturb(twin, seen, target, self._task.settings, self._task.generator)
        gradient = view.adjoint(twin.gradient(seen, target))
        return gradient.view(many, count, *gradient.shape[1:]).sum(0)
