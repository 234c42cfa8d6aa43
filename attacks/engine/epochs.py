"""Epochs in turn: the network learns noisy images, then the noise of all of them goes down its loss, as of AUE.

Both see random views. Noise is stored unrounded, and the network learns from the plain sum of image and noise.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from attacks.core.settings import SignSteps
from attacks.core.state import State, nested, part
from attacks.engine.descent import cut, descend
from attacks.engine.learner import Learner
from attacks.engine.stored import ImageNoise, every_noise
from attacks.engine.views import View
from attacks.task import NoiseResult, Task

Gradient = Callable[[Tensor], Tensor]


class Samples(ImageNoise):
    """A noise of each image's own, which keeps the image in [0, 1]."""

    def __init__(self, task: Task, steps: SignSteps) -> None:
        super().__init__(task)
        self._task = task
        self._steps = steps

    def descend(self, index: Tensor, gradient: Gradient) -> None:
        """Take the sign steps of some images; `gradient` gives the derivative of noisy ones."""
        images, radius = self._task.runtime.pixels(self._task.images[index]), self._task.settings.rho_u
        found = descend(images, self.of(index), gradient, radius=radius, steps=self._steps, in_range=True)
        self.put(index, cut(images, found))


class Classes:
    """One noise for all images of a class; each batch steps by the sign of the derivative summed over its images."""

    def __init__(self, task: Task, steps: SignSteps, batch: int) -> None:
        self._task = task
        self._steps = steps
        self.batch = batch
        shape = (task.classes, *task.images.shape[1:])
        self._noise = torch.zeros(shape, dtype=task.runtime.dtype, device=task.images.device)

    def order(self) -> Tensor:
        """Return all images, shuffled."""
        generator = self._task.generator
        return torch.randperm(len(self._task.images), generator=generator, device=generator.device)

    def of(self, index: Tensor) -> Tensor:
        """Return a copy of the noise (n, C, H, W) of the classes of some images."""
        return self._noise[self._task.labels[index]]

    def descend(self, index: Tensor, gradient: Gradient) -> None:
        """Take the sign steps of the classes of some images; `gradient` gives the derivative of noisy ones."""
        task, bound = self._task, self._task.settings.rho_u / 255
        images, labels = task.runtime.pixels(task.images[index]), task.labels[index]
        members = functional.one_hot(labels, len(self._noise)).to(images.dtype).T
        for _ in range(self._steps.steps):
            slopes = gradient(images + self._noise[labels]).flatten(1)
            signs = (members @ slopes).sign_().view(self._noise.shape)  # unlike a scattered sum, the same each time
            self._noise = self._noise.sub(signs, alpha=self._steps.step * bound).clamp_(-bound, bound)

    def state(self) -> State:
        """Return the noise."""
        return {"noise": self._noise}

    def restore(self, state: State) -> None:
        """Go on where a state was taken."""
        self._noise = state["noise"].to(self._noise.device)


class Epochs:
    """One run of the epochs on `task`.

    Args:
        task: what the noise is made for.
        learner: the network.
        epochs: how many.
        updates: of the network in one.
        noise: where it is kept, zero at the start.
        draw: count -> a view of so many images.
    """

    def __init__(
        self,
        task: Task,
        learner: Learner,
        *,
        epochs: int,
        updates: int,
        noise: Samples | Classes,
        draw: Callable[[int], View],
    ) -> None:
        self._task = task
        self._learner = learner
        self._epochs = epochs
        self._updates = updates
        self._noise = noise
        self._draw = draw
        self._order = torch.arange(len(task.images), device=task.images.device)
        self._done = 0  # updates and batches of sign steps, over all epochs
        if state := task.keeper.restored():
            self._restore(state)

    def run(self) -> NoiseResult:
        """Make the noise.

        Raises:
            DivergedError: where the network's loss stops being finite.
        """
        each = self._updates + len(self._order.split(self._noise.batch))
        every = each * self._epochs
        while self._done < every:
            self._step(self._done % each)
            self._done += 1
            self._task.report(self._done, every)
            self._task.keeper.offer(self._state)
        self._learner.check()
        return self._learner.made(every_noise(self._task, self._noise.of))

    def _step(self, number: int) -> None:
        """Make step `number` of an epoch: an update, or the sign steps of one batch."""
        if number < self._updates:
            index = self._learner.draw()
            noisy = self._task.runtime.pixels(self._task.images[index]) + self._noise.of(index)
            self._learner.learn(self._draw(len(index)).apply(noisy), self._task.labels[index])
            return
        if number == self._updates:
            self._order = self._noise.order()
        index = self._order.split(self._noise.batch)[number - self._updates]
        twin, labels = self._learner.twin(), self._task.labels[index]

        def gradient(noisy: Tensor) -> Tensor:
            view = self._draw(len(noisy))
            return view.adjoint(twin.gradient(view.apply(noisy), labels))

        self._noise.descend(index, gradient)

    def _state(self) -> State:
        return {
            **nested("learner", self._learner.state()),
            **nested("noise", self._noise.state()),
            "order": self._order,
            "done": torch.tensor(self._done),
        }

    def _restore(self, state: State) -> None:
        self._learner.restore(part("learner", state))
        self._noise.restore(part("noise", state))
        self._order = state["order"].to(self._order.device)
        self._done = int(state["done"])
