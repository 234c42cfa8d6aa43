"""A literal transcription of BAIT, under the same rules as `literal.py`.

It draws from one generator in this order: a seed for the network that makes noise; then, in each round, a permutation
of the set if an epoch of the surrogate's batches begins; n views of the batch; a permutation of the set; and, per batch
of it, n views and, in the second third of the rounds, n whole numbers from 1 to below the number of classes.
"""

import copy
import math
from dataclasses import dataclass
from typing import Any

import torch
from literal import Descent, batches
from literal_views import look_at_all
from torch import Tensor, nn
from torch.nn import functional

from attacks.core.settings import Augment, NoiseSettings


class Painter(nn.Module):
    """The network that makes noise, layer by layer."""

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        w = width
        self.down = nn.ModuleList(
            [
                nn.Conv2d(3, w, 3, 1, 1),
                nn.Conv2d(w, 2 * w, 3, 2, 1),
                nn.Conv2d(2 * w, 4 * w, 3, 1, 1),
                nn.Conv2d(4 * w, 8 * w, 3, 2, 1),
                nn.Conv2d(8 * w, 16 * w, 3, 1, 1),
                nn.Conv2d(16 * w, 32 * w, 3, 2, 1),
            ]
        )
        self.blocks = nn.ModuleList(
            layer
            for _ in range(2 * blocks)
            for layer in (nn.Conv2d(32 * w, 32 * w, 3, bias=False), nn.BatchNorm2d(32 * w))
        )
        self.up = nn.ModuleList(
            [
                nn.ConvTranspose2d(32 * w, 16 * w, 3, 2, 1, 1, bias=False),
                nn.ConvTranspose2d(16 * w, 8 * w, 3, 1, 1, bias=False),
                nn.ConvTranspose2d(8 * w, 4 * w, 3, 2, 1, 1, bias=False),
                nn.ConvTranspose2d(4 * w, 2 * w, 3, 1, 1, bias=False),
                nn.ConvTranspose2d(2 * w, w, 3, 2, 1, 1, bias=False),
                nn.ConvTranspose2d(w, 3, 3, 1, 1, bias=False),
            ]
        )

    def forward(self, images: Tensor) -> Tensor:
        height, width = images.shape[2:]
        sides = [max(16, 8 * math.ceil(side / 8)) for side in (height, width)]
        maps = torch.zeros(*images.shape[:2], *sides, dtype=images.dtype)
        maps[:, :, :height, :width] = images
        for layer in self.down:
            maps = functional.instance_norm(layer(maps)).relu()
        layers = iter(self.blocks)
        for first in layers:
            norm, second, last = next(layers), next(layers), next(layers)
            inner = norm(first(functional.pad(maps, (1, 1, 1, 1), "reflect"))).relu()
            maps = maps + last(second(functional.pad(inner, (1, 1, 1, 1), "reflect")))
        for layer in self.up[:-1]:
            maps = functional.instance_norm(layer(maps)).relu()
        return self.up[-1](maps).tanh()[:, :, :height, :width]


@dataclass
class Adam:
    """Adam (Kingma and Ba, ICLR 2015)."""

    network: nn.Module
    rate: float

    def __post_init__(self) -> None:
        self.means: dict[str, Any] = {name: 0.0 for name, _ in self.network.named_parameters()}
        self.squares = dict(self.means)
        self.updates = 0

    def update(self, loss: Tensor) -> None:
        """Take one step to lower a loss."""
        weights = dict(self.network.named_parameters())
        gradients = torch.autograd.grad(loss, list(weights.values()), materialize_grads=True)
        self.updates += 1
        for (name, weight), gradient in zip(weights.items(), gradients, strict=True):
            self.means[name] = 0.9 * self.means[name] + 0.1 * gradient
            self.squares[name] = 0.999 * self.squares[name] + 0.001 * gradient**2
            mean, square = self.means[name] / (1 - 0.9**self.updates), self.squares[name] / (1 - 0.999**self.updates)
            with torch.no_grad():
                weight.sub_(self.rate * mean / (square.sqrt() + 1e-8))


@dataclass
class Baiting:
    """BAIT on float64 images in [0, 1]."""

    own: Any
    classes: int
    network: nn.Module
    images: list[Tensor]
    labels: list[int]
    numbers: NoiseSettings
    augment: Augment
    generator: torch.Generator

    def make(self) -> Tensor:
        """Return the noise (N, C, H, W) in units of 1/255."""
        self.painter = self.drawn().double()
        self.adam = Adam(self.painter, self.own.lr)
        self.noise = [torch.zeros_like(self.images[0]) for _ in range(self.classes)]
        self.bound = self.numbers.rho_u / 255
        surrogate = Descent(self.network, self.own.sgd, largest_gradient=5)
        order = batches(len(self.images), self.own.batch, self.generator)
        for number in range(self.own.rounds):
            chosen = next(order)
            views, labels = self.views(chosen), [self.labels[i] for i in chosen]
            ahead = copy.deepcopy(surrogate)
            ahead.largest_gradient = math.inf
            ahead.update([view + self.noise[label] for view, label in zip(views, labels, strict=True)], labels)
            self.paint(ahead.network, number)
            surrogate.update([view + self.noise[label] for view, label in zip(views, labels, strict=True)], labels)
        self.painter.eval()
        with torch.no_grad():
            found = [self.painter(image[None])[0] for image in self.images]
        return torch.stack([(255 * self.bound * self.mean(found, self.labels, label)).round() for label in self.labels])

    def drawn(self) -> Painter:
        """Return the newly initialised network."""
        seed = int(torch.randint(2**62, (), generator=self.generator))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return Painter(self.own.width, self.own.blocks)

    def views(self, chosen: list[int]) -> list[Tensor]:
        """Return one view of each chosen image."""
        return look_at_all([self.images[i] for i in chosen], self.augment, self.generator)

    def paint(self, ahead: nn.Module, number: int) -> None:
        """Make one round's pass over the set, in full, shuffled batches."""
        order = torch.randperm(len(self.images), generator=self.generator).tolist()
        size = min(self.own.batch, len(order))
        for start in range(0, len(order) - size + 1, size):
            chosen = order[start : start + size]
            views, labels = torch.stack(self.views(chosen)), [self.labels[i] for i in chosen]
            ahead.train()
            targets = self.targets(ahead, views, labels, number)
            found = list(self.painter(views))
            noisy = [
                (view + self.bound * self.mean(found, labels, target)).clamp(0, 1)
                for view, target in zip(views, targets, strict=True)
            ]
            self.adam.update(functional.cross_entropy(ahead(torch.stack(noisy)), torch.tensor(targets)))
            with torch.no_grad():
                found = list(self.bound * self.painter(views))
            for label in set(labels):
                self.noise[label] = self.mean(found, labels, label)

    def targets(self, ahead: nn.Module, views: Tensor, labels: list[int], number: int) -> list[int]:
        """Return the target labels of a batch."""
        if self.own.rounds <= 3 * number < 2 * self.own.rounds:
            steps = torch.randint(1, self.classes, (len(labels),), generator=self.generator).tolist()
            return [(label + step) % self.classes for label, step in zip(labels, steps, strict=True)]
        with torch.no_grad():
            logits = ahead(views).tolist()
        if number < self.own.rounds / 3:
            others = [[k for k in range(self.classes) if k != label] for label in labels]
            return [max(left, key=row.__getitem__) for row, left in zip(logits, others, strict=True)]
        return [min(range(self.classes), key=row.__getitem__) for row in logits]

    def mean(self, found: list[Tensor], labels: list[int], wanted: int) -> Tensor:
        """Return the mean of `found` over the images of the class `wanted`, zero if there are none."""
        members = [one for one, label in zip(found, labels, strict=True) if label == wanted]
        return sum(members) / len(members) if members else torch.zeros_like(found[0])
