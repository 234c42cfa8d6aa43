"""The surrogate loop: EM, REM and SEM are this loop with three small specs.

Each of M steps draws a shuffled batch, makes its noise with the surrogate as it is, and updates the surrogate once on
the noisy batch. One pass over all images then makes the final noise with the last surrogate.
"""

import math

import torch
from torch import Tensor

from attacks.batches import Batches
from attacks.cost import Passes
from attacks.frozen import FrozenNetwork
from attacks.optimiser import DivergedError, Optimiser
from attacks.pgd import ascend
from attacks.spec import Made, SurrogateLoop, Task
from attacks.state import State, nested, part
from attacks.views import Same, View, centre, draw

# images of the final pass that are drawn for together: part of the order of the random draws, so not a knob of speed
FINAL_BATCH = 512
STEPS_BETWEEN_CHECKS = 100  # of the loss; each waits for the device


class Loop:
    """One run of the surrogate loop of `recipe` on `task`."""

    def __init__(self, recipe: SurrogateLoop, task: Task) -> None:
        self._recipe = recipe
        self._task = task
        self._views = task.settings.views if recipe.views else 1
        self._size = (task.images.shape[2], task.images.shape[3])
        network = task.runtime.place(task.network())
        example = centre(task.runtime.pixels(task.images[:2]), task.augment)
        self._frozen = FrozenNetwork(network, example, task.runtime)
        self._optimiser = Optimiser(network, task.settings.sgd, task.runtime)
        self._passes = Passes()
        self._batches = Batches(len(task.images), task.settings.batch, task.generator)
        self._loss = torch.zeros((), dtype=task.runtime.dtype, device=task.runtime.device)
        self._steps = 0
        self._noised = 0
        self._made = torch.empty(0, dtype=torch.int8)
        if state := task.keeper.restored():
            self._restore(state)

    def run(self) -> Made:
        """Make the noise.

        Raises:
            DivergedError: where the surrogate's loss stops being finite.
        """
        task, steps = self._task, self._task.settings.steps
        final = torch.arange(len(task.images), device=task.images.device).split(FINAL_BATCH)
        while self._steps < steps:
            self._step(self._batches.draw())
            self._steps += 1
            task.report(self._steps, steps + len(final))
            task.keeper.offer(self._state)
            if self._steps % STEPS_BETWEEN_CHECKS == 0 or self._steps == steps:
                self._check_loss()
        if self._noised == 0:
            self._made = torch.empty(task.images.shape, dtype=torch.int8, device=task.images.device)
        for index in final[self._noised :]:
            self._made[index] = self._noise(self._batch(index), task.labels[index]).to(torch.int8)
            self._noised += 1
            task.report(steps + self._noised, steps + len(final))
            task.keeper.offer(self._state)
        return Made(noise=self._made, passes=self._passes + self._frozen.passes)

    def _check_loss(self) -> None:
        if not math.isfinite(self._loss):
            raise DivergedError(f"the surrogate diverged: its loss is {float(self._loss)} within {self._steps} steps")

    def _state(self) -> State:
        passes = self._passes + self._frozen.passes
        return {
            **nested("optimiser", self._optimiser.state()),
            **nested("batches", self._batches.state()),
            "generator": self._task.generator.get_state(),
            "progress": torch.tensor([self._steps, self._noised, passes.attack, passes.train]),
            "loss": self._loss,
            "noise": self._made,
        }

    def _restore(self, state: State) -> None:
        self._optimiser.restore(part("optimiser", state))
        self._frozen.refresh()
        self._batches.restore(part("batches", state))
        self._task.generator.set_state(state["generator"])
        self._steps, self._noised, attack, train = state["progress"].tolist()
        self._passes = Passes(attack=attack, train=train)
        self._loss.copy_(state["loss"])
        self._made = state["noise"].to(self._task.images.device)

    def _batch(self, index: Tensor) -> Tensor:
        images = self._task.runtime.pixels(self._task.images[index])
        if not self._recipe.augment_batch:
            return images
        whole = self._task.augment.model_copy(update={"size": None})  # the noise has the image's own size
        return draw(whole, len(images), self._size, self._task.generator).apply(images)

    def _draw(self, count: int) -> View:
        return draw(self._task.augment, count, self._size, self._task.generator)

    def _step(self, index: Tensor) -> None:
        images, labels = self._batch(index), self._task.labels[index]
        noisy = (images + self._noise(images, labels) / 255).clamp_(0, 1)
        if self._recipe.robust_update:
            noisy = ascend(
                self._frozen,
                self._draw(len(noisy)).apply(noisy),
                labels,
                radius=self._task.settings.rho_a,
                steps=self._task.settings.ascent,
                generator=self._task.generator,
            )
        self._loss += self._optimiser.step(noisy, labels)  # finite only if every step's is
        self._passes += Passes(train=len(noisy))
        self._frozen.refresh()

    def _noise(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return the noise of a batch, rounded, in units of 1/255: K sign steps down from a random start."""
        settings, generator = self._task.settings, self._task.generator
        bound = settings.rho_u / 255
        delta = torch.empty_like(images).uniform_(-bound, bound, generator=generator)
        for _ in range(settings.descent.steps):
            sign = self._gradient((images + delta).clamp_(0, 1), labels).sign_()
            delta = delta.sub_(sign, alpha=settings.descent.step * bound).clamp_(-bound, bound)
        return delta.mul_(255).round_()

    def _gradient(self, noisy: Tensor, labels: Tensor) -> Tensor:
        """Return the sum over J views of the derivative there, pulled back to the images."""
        recipe, count, many = self._recipe, len(noisy), self._views
        view = self._draw(count * many) if recipe.views else Same()
        seen, target = view.apply(noisy.repeat(many, 1, 1, 1)), labels.repeat(many)
        if recipe.disturb:
            seen = recipe.disturb.apply(self._frozen, seen, target, self._task.settings, self._task.generator)
        gradient = view.adjoint(self._frozen.gradient(seen, target))
        return gradient.view(many, count, *gradient.shape[1:]).sum(0)
