"""Noise that is stored and updated from round to round: one per image, or one per class."""

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
    """Unrounded noise in [-1, 1] (not in units of 1/255), initially zero.

    Attributes:
        searched: indices of the images that it is made on.
        batch: how many of these images are processed together.
    """

    searched: Tensor
    batch: int

    def order(self) -> Tensor:
        """Return the indices of the searched images in the order of the next pass over them."""

    def of(self, index: Tensor) -> Tensor:
        """Return a copy of the noise (n, C, H, W) of the images at `index`."""

    def put(self, index: Tensor, found: Tensor) -> None:
        """Store the noise (n, C, H, W) found for the images at `index`."""

    def state(self) -> State:
        """Return the noise."""

    def restore(self, state: State) -> None:
        """Resume from a state."""


def every_noise(task: Task, of: Callable[[Tensor], Tensor]) -> Tensor:
    """Return the noise of all images of a task, rounded, int8 (N, C, H, W) in units of 1/255.

    Args:
        task: the task.
        of: indices -> the noise of these images, unrounded, in [-1, 1].
    """
    noise = task.runtime.empty(task.images.shape, torch.int8)
    for index in descent.parts(task.images):
        noise[index] = descent.round_noise(of(index)).to(torch.int8)
    return noise


def class_sums(values: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Return the sum over each class, (classes, ...), of the values (n, ...) of images with these labels (n,)."""
    members = functional.one_hot(labels, classes).to(values.dtype)
    return (members.T @ values.flatten(1)).view(classes, *values.shape[1:])  # deterministic, unlike `scatter_add`


class ImageNoise:
    """One noise per image, kept on the CPU, because it takes four times the memory of the images.

    Args:
        task: what the noise is made for.
        batch: images whose noise is made together, in batches that are shuffled in each pass, since the noise of an
            image depends on the others in its batch; None: it does not, and the images keep their order.
    """

    def __init__(self, task: Task, batch: int | None = None) -> None:
        self.searched = torch.arange(len(task.images), device=task.images.device)
        self.batch = batch or at_once(task.images, descent.FINAL_BATCH)
        self._shuffled = batch is not None
        self._generator = task.generator
        self._noise = task.runtime.empty(task.images.shape, task.runtime.dtype, torch.device("cpu")).zero_()

    def order(self) -> Tensor:
        """Return the indices of all images, shuffled if the noise of one depends on others."""
        if not self._shuffled:
            return self.searched
        return torch.randperm(len(self.searched), generator=self._generator, device=self.searched.device)

    def of(self, index: Tensor) -> Tensor:
        """Return a copy of the noise of the images at `index`."""
        return self._noise[index.cpu()].to(index.device)

    def put(self, index: Tensor, found: Tensor) -> None:
        """Store the noise of the images at `index`."""
        self._noise[index.cpu()] = found.cpu()

    def state(self) -> State:
        """Return the noise."""
        return {"noise": self._noise}

    def restore(self, state: State) -> None:
        """Resume from a state."""
        self._noise.copy_(state["noise"])


class ClassNoise:
    """One noise for all images of a class, made on shuffled batches.

    Args:
        task: what the noise is made for.
        batch: images in a batch.
        searched: number of images that it is made on, drawn in proportion to the class sizes; None: all of them.
    """

    def __init__(self, task: Task, batch: int, searched: int | None = None) -> None:
        self._task = task
        every = torch.arange(len(task.images), device=task.images.device)
        self.searched = every if searched is None else self._draw(searched)
        self.batch = batch
        shape = (task.classes, *task.images.shape[1:])
        self._noise = torch.zeros(shape, dtype=task.runtime.dtype, device=task.images.device)

    def _draw(self, searched: int) -> Tensor:
        """Shuffle the images, sort them by class and take `searched` of them, evenly spaced."""
        shuffled = self._shuffle(len(self._task.images))
        line = shuffled[self._task.labels[shuffled].argsort(stable=True)]
        return line[torch.arange(searched, device=line.device) * len(line) // searched]

    def _shuffle(self, count: int) -> Tensor:
        generator = self._task.generator
        return torch.randperm(count, generator=generator, device=generator.device)

    def order(self) -> Tensor:
        """Return the indices of the searched images, shuffled."""
        return self.searched[self._shuffle(len(self.searched))]

    def of(self, index: Tensor) -> Tensor:
        """Return a copy of the noise of the classes of the images at `index`."""
        return self._noise[self._task.labels[index]]

    def put(self, index: Tensor, found: Tensor) -> None:
        """Store, for each class among the images at `index`, the mean of the noise found for its images."""
        labels, classes, bound = self._task.labels[index], self._task.classes, self._task.settings.rho_u / 255
        counts = torch.bincount(labels, minlength=classes)[:, None, None, None]
        means = (class_sums(found, labels, classes) / counts.clamp(min=1)).clamp_(-bound, bound)
        self._noise = torch.where(counts > 0, means, self._noise)

    def descend(
        self, index: Tensor, images: Tensor, gradient: Callable[[Tensor], Tensor], *, radius: float, steps: SignSteps
    ) -> None:
        """Take sign steps down the loss of each class among a batch of images, within `radius` (1/255).

        Args:
            index: indices of the images.
            images: (n, C, H, W) in [0, 1].
            gradient: returns the gradient at noisy images, which may lie outside [0, 1]; it is summed over the images
                of a class.
            radius, steps: of the sign steps.
        """
        labels, classes, bound = self._task.labels[index], self._task.classes, radius / 255
        for _ in range(steps.steps):
            signs = class_sums(gradient(images + self.of(index)), labels, classes).sign_()
            self._noise = self._noise.sub(signs, alpha=steps.step * bound).clamp_(-bound, bound)

    def state(self) -> State:
        """Return the noise and the searched images."""
        return {"noise": self._noise, "searched": self.searched}

    def restore(self, state: State) -> None:
        """Resume from a state."""
        self._noise = state["noise"].to(self._noise.device)
        self.searched = state["searched"].to(self.searched.device)
