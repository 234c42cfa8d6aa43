"""Noise that is stored between rounds and resumed: one per image, or one per class."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from attacks.core.settings import SignSteps
from attacks.core.state import State
from attacks.engine import descent
from attacks.task import Task, at_once


class StoredNoise(Protocol):
    """Unrounded noise in [-1, 1] (not in units of 1/255), zero at the start.

    Attributes:
        searched: indices of the images that it is made on.
        batch: how many of them are worked on together.
    """

    searched: Tensor
    batch: int

    def order(self) -> Tensor:
        """Return the searched images in the order of the next pass over them."""

    def of(self, index: Tensor) -> Tensor:
        """Return a copy of the noise (n, C, H, W) of some images."""

    def put(self, index: Tensor, found: Tensor) -> None:
        """Store what was found for some images, (n, C, H, W)."""

    def state(self) -> State:
        """Return the noise."""

    def restore(self, state: State) -> None:
        """Go on where a state was taken."""


def every_noise(task: Task, of: Callable[[Tensor], Tensor]) -> Tensor:
    """Return the noise of all images of a task, rounded, int8 (N, C, H, W) in units of 1/255.

    Args:
        task: the task.
        of: the noise of the images of some indices, unrounded, in [-1, 1].
    """
    noise = task.runtime.empty(task.images.shape, torch.int8)
    for index in descent.parts(task.images):
        noise[index] = descent.rounded(of(index)).to(torch.int8)
    return noise


class ImageNoise:
    """A noise of each image's own, not on a GPU: it takes four times the memory of the images.

    Args:
        task: what it is made for.
        batch: images whose noise is made together, in an order that each pass over them draws, since the noise of one
            depends on the others; absent, it does not, and they come as they are.
    """

    def __init__(self, task: Task, batch: int | None = None) -> None:
        self.searched = torch.arange(len(task.images), device=task.images.device)
        self.batch = batch or at_once(task.images, descent.FINAL_BATCH)
        self._shuffled = batch is not None
        self._generator = task.generator
        self._noise = task.runtime.empty(task.images.shape, task.runtime.dtype, torch.device("cpu")).zero_()

    def order(self) -> Tensor:
        """Return all images, shuffled where the noise of one depends on others."""
        if not self._shuffled:
            return self.searched
        return torch.randperm(len(self.searched), generator=self._generator, device=self.searched.device)

    def of(self, index: Tensor) -> Tensor:
        """Return a copy of the noise of some images."""
        return self._noise[index.cpu()].to(index.device)

    def put(self, index: Tensor, found: Tensor) -> None:
        """Store the noise of some images."""
        self._noise[index.cpu()] = found.cpu()

    def state(self) -> State:
        """Return the noise."""
        return {"noise": self._noise}

    def restore(self, state: State) -> None:
        """Go on where a state was taken."""
        self._noise.copy_(state["noise"])


class ClassNoise:
    """One noise for all images of a class, worked on in shuffled batches.

    Args:
        task: what it is made for.
        batch: images in one.
        searched: images that it is made on, drawn in proportion to the classes; absent, all of them.
    """

    def __init__(self, task: Task, batch: int, searched: int | None = None) -> None:
        self._task = task
        every = torch.arange(len(task.images), device=task.images.device)
        self.searched = every if searched is None else self._draw(searched)
        self.batch = batch
        shape = (task.classes, *task.images.shape[1:])
        self._noise = torch.zeros(shape, dtype=task.runtime.dtype, device=task.images.device)

    def _draw(self, searched: int) -> Tensor:
        """Shuffle the images, line them up by class and take as many at even distances."""
        shuffled = self._shuffle(len(self._task.images))
        line = shuffled[self._task.labels[shuffled].argsort(stable=True)]
        return line[torch.arange(searched, device=line.device) * len(line) // searched]

    def _shuffle(self, count: int) -> Tensor:
        generator = self._task.generator
        return torch.randperm(count, generator=generator, device=generator.device)

    def order(self) -> Tensor:
        """Return the searched images, shuffled."""
        return self.searched[self._shuffle(len(self.searched))]

    def of(self, index: Tensor) -> Tensor:
        """Return a copy of the noise of the classes of some images."""
        return self._noise[self._task.labels[index]]

    def put(self, index: Tensor, found: Tensor) -> None:
        """Store for each class among some images the mean of what was found for those."""
        bound = self._task.settings.rho_u / 255
        counts = torch.bincount(self._task.labels[index], minlength=len(self._noise))[:, None, None, None]
        means = (self._sums(index, found) / counts.clamp(min=1)).clamp_(-bound, bound)
        self._noise = torch.where(counts > 0, means, self._noise)

    def descend(
        self, index: Tensor, images: Tensor, gradient: Callable[[Tensor], Tensor], *, radius: float, steps: SignSteps
    ) -> None:
        """Take sign steps down the loss of each class among some images, inside `radius` (1/255).

        Args:
            index: of these images.
            images: (n, C, H, W) in [0, 1].
            gradient: gives the derivative of noisy ones, which is summed over the images of a class; they may lie
                outside [0, 1].
            radius, steps: of the steps.
        """
        bound = radius / 255
        for _ in range(steps.steps):
            signs = self._sums(index, gradient(images + self.of(index))).sign_()
            self._noise = self._noise.sub(signs, alpha=steps.step * bound).clamp_(-bound, bound)

    def _sums(self, index: Tensor, values: Tensor) -> Tensor:
        """Return the sums (classes, C, H, W) of what belongs to some images, (n, C, H, W)."""
        members = functional.one_hot(self._task.labels[index], len(self._noise)).to(values.dtype)
        return (members.T @ values.flatten(1)).view(self._noise.shape)  # unlike a scattered sum, the same each time

    def state(self) -> State:
        """Return the noise and the searched images."""
        return {"noise": self._noise, "searched": self.searched}

    def restore(self, state: State) -> None:
        """Go on where a state was taken."""
        self._noise = state["noise"].to(self._noise.device)
        self.searched = state["searched"].to(self.searched.device)
