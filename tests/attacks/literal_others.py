"""Literal transcriptions of the original EM, TAP and the filters of AR, under the same rules as `literal.py`.

They draw from one generator in this order:

- `em-huang21`: at the start of each epoch of updates, a permutation of the set;
- `em-huang21-classwise`: first a permutation of the set, for the share; then as above, and at the start of each pass of
  sign steps a permutation of the share;
- `tap-fowl21`: at the start of each training epoch, a permutation of the set; per step, n views; then the initial noise
  of all images in the order (n, H, W, C), and n views per sign step;
- `ar-sandoval22`: per batch of filters, the filters in the order (3, 3, batch), then three times the signals of those
  left, in the order (36, 36, left).
"""

from dataclasses import dataclass, field
from itertools import product

import numpy as np
import torch
from literal import Descent, batches, slope, through_clamp, uniform
from literal_views import draw_places, look_at_all
from torch import Tensor, nn

from attacks.core.settings import Augment, NoiseSettings, SignSteps


@dataclass
class Alternation:
    """The original EM on float64 images in [0, 1]."""

    classwise: bool
    network: nn.Module
    images: list[Tensor]
    labels: list[int]
    numbers: NoiseSettings
    generator: torch.Generator
    noise: dict[int, Tensor] = field(default_factory=dict)

    def make(self) -> tuple[Tensor, int]:
        """Return the noise (N, C, H, W) in units of 1/255 and how many rounds it took."""
        given = self.numbers.alternating
        for i in range(len(self.images)):
            self.noise[self.owner(i)] = torch.zeros_like(self.images[0])
        searched = self.share() if self.classwise else list(range(len(self.images)))
        rate = given.sgd or self.numbers.sgd
        updates = given.updates
        if self.classwise and given.class_updates:
            updates = given.class_updates
        descent = Descent(self.network, rate.model_copy(update={"milestones": ()}), largest_gradient=5)
        order = batches(len(self.images), given.batch, self.generator)
        made = 0
        while made < given.rounds:
            for _ in range(updates):
                chosen = next(order)
                descent.update([self.noisy(i) for i in chosen], [self.labels[i] for i in chosen])
            if self.classwise:
                self.search_classes(searched)
            else:
                self.noise = {i: self.go_down(i, given.descent) for i in searched}
            made += 1
            if self.error(searched) < given.train_error:
                break
        return torch.stack([self.rounded(i) for i in range(len(self.images))]), made

    def owner(self, i: int) -> int:
        """Return the index of the noise that an image carries."""
        return self.labels[i] if self.classwise else i

    def rounded(self, i: int) -> Tensor:
        """Return the noise of an image in units of 1/255."""
        return (self.noise[self.owner(i)] * 255).round()

    def noisy(self, i: int) -> Tensor:
        """Return an image as the surrogate sees it."""
        return self.images[i] + self.noise[self.owner(i)]

    def share(self) -> list[int]:
        """Choose evenly spaced images from the shuffled images sorted by class."""
        count = len(self.images)
        line = sorted(torch.randperm(count, generator=self.generator).tolist(), key=lambda i: self.labels[i])
        taken = max(1, int(count * self.numbers.alternating.class_share))
        return [line[count * k // taken] for k in range(taken)]

    def search_classes(self, searched: list[int]) -> None:
        """Make one pass over the share; after each batch, set its classes' noise to the mean over their images."""
        order = [searched[k] for k in torch.randperm(len(searched), generator=self.generator).tolist()]
        size = self.numbers.alternating.batch
        for start in range(0, len(order), size):
            batch = order[start : start + size]
            found = {i: self.go_down(i, self.numbers.alternating.class_descent) for i in batch}
            for label in {self.labels[i] for i in batch}:
                members = [found[i] for i in batch if self.labels[i] == label]
                self.noise[label] = sum(members) / len(members)

    def go_down(self, i: int, steps: SignSteps) -> Tensor:
        """Return an image's noise after sign steps from its current value."""
        image, bound, delta = self.images[i], self.numbers.rho_u / 255, self.noise[self.owner(i)]
        for _ in range(steps.steps):
            at = (image + delta).clamp(0, 1)
            moved = at - steps.step * bound * slope(self.network, at, self.labels[i]).sign()
            delta = (moved - image).clamp(-bound, bound)
        return delta

    def error(self, searched: list[int]) -> float:
        """Return the share of wrong predictions."""
        self.network.eval()
        with torch.no_grad():
            wrong = sum(int(self.network(self.noisy(i)[None]).argmax()) != self.labels[i] for i in searched)
        return wrong / len(searched)


@dataclass
class Targeting:
    """TAP on float64 images in [0, 1]."""

    network: nn.Module
    images: list[Tensor]
    labels: list[int]
    classes: int
    numbers: NoiseSettings
    augment: Augment
    generator: torch.Generator

    def make(self) -> Tensor:
        """Return the noise (N, C, H, W) in units of 1/255."""
        given, count = self.numbers.targeted, len(self.images)
        descent, order = Descent(self.network, given.sgd), batches(count, self.numbers.batch, self.generator)
        for _ in range(given.pretraining):
            chosen = next(order)
            views = look_at_all([self.images[i] for i in chosen], self.augment, self.generator)
            descent.update(views, [self.labels[i] for i in chosen])
        channels, height, width = self.images[0].shape
        start = uniform((count, height, width, channels), self.numbers.rho_u, self.generator)
        deltas = list(start.permute(0, 3, 1, 2))
        bound = self.numbers.rho_u / 255
        for _ in range(given.descent.steps):
            for i, place in enumerate(draw_places(count, (height, width), self.augment, self.generator)):
                wanted = self.labels[i] + 1 if self.labels[i] + 1 < self.classes else 0
                noisy = self.images[i] + deltas[i]
                leaf = noisy.clamp(0, 1).requires_grad_()
                view = place.look(leaf)
                pulled = torch.autograd.grad(view, leaf, slope(self.network, view.detach(), wanted))[0]
                sign = through_clamp(pulled, noisy).sign()
                deltas[i] = (deltas[i] - given.descent.step * bound * sign).clamp(-bound, bound)
        return torch.stack([(delta.half() * 255).round() for delta in deltas])


def raster(signal: np.ndarray, weights: np.ndarray, cut: int = 4) -> np.ndarray:
    """Fill signals (H, W, n) pixel by pixel with the response of filters (3, 3, n); cut the first rows and columns."""
    signal = signal.copy()
    with np.errstate(all="ignore"):  # most random filters diverge
        for row in range(2, len(signal)):
            for column in range(2, len(signal[0])):
                neighbours = signal[row - 2 : row + 1, column - 2 : column + 1].copy()
                neighbours[2, 2] = 0
                signal[row, column] = (weights * neighbours).sum((0, 1))
    return signal[cut:, cut:]


def response(filters: np.ndarray, signal: np.ndarray) -> float:
    """Sum the positive responses of filters (C, 3, 3), with last weight -1, to a signal (C, H, W)."""
    total = np.zeros((signal.shape[1] - 2, signal.shape[2] - 2))
    for weights, channel in zip(filters, signal, strict=True):
        for row, column in product(range(3), range(3)):
            weight = -1 if (row, column) == (2, 2) else weights[row, column]
            total += weight * channel[row : row + total.shape[0], column : column + total.shape[1]]
    return float(total[total > 0].sum())


def search(classes: int, channels: int, required: float, batch: int, generator: torch.Generator) -> list[np.ndarray]:
    """Find each class's filters (C, 3, 3), drawing `batch` filters (3, 3) at a time."""
    found: list[np.ndarray] = []

    def draw(*shape: int) -> np.ndarray:
        return torch.randn(shape, generator=generator, dtype=torch.float64).numpy()

    limit = 50 * (channels / 3) ** 0.5
    while True:
        weights = draw(3, 3, batch)
        weights[2, 2] = 0
        weights = weights / weights.sum((0, 1))
        trials: list[np.ndarray] = []
        for _ in range(3):
            trials.append(raster(draw(36, 36, weights.shape[2]), weights))
            with np.errstate(all="ignore"):
                alive = np.sqrt((trials[-1] ** 2).sum((0, 1))) <= limit
            weights, trials = weights[:, :, alive], [trial[:, :, alive] for trial in trials]
        for first in range(0, weights.shape[2] - channels + 1, channels):
            group = slice(first, first + channels)
            if any(np.linalg.norm(trial[:, :, group]) > limit for trial in trials):
                continue
            signal = trials[-1][:, :, group].transpose(2, 0, 1) / np.linalg.norm(trials[-1][:, :, group])
            if all(response(other, signal) >= required for other in found):
                found.append(weights[:, :, group].transpose(2, 0, 1))
            if len(found) == classes:
                return found
