"""A literal transcription of GUE, under the same rules as `literal.py`.

It draws from one generator in this order: a seed for the network that makes noise; then, in each epoch, a permutation
of the set.
"""

import copy
import math
from dataclasses import dataclass
from typing import Any

import torch
from literal_generator import Adam
from torch import Tensor, nn
from torch.nn import functional

from attacks.core.settings import NoiseSettings


class Drawer(nn.Module):
    """The U-Net that makes noise, layer by layer."""

    def __init__(self, width: int) -> None:
        super().__init__()
        w = width
        fans = [(3, w), (w, 2 * w), (2 * w, 4 * w), (4 * w, 8 * w), (12 * w, 4 * w), (6 * w, 2 * w), (3 * w, w)]
        self.layers = nn.ModuleList()
        for before, after in fans:
            self.layers.append(nn.Conv2d(before, after, 3, padding=1))
            self.layers.append(nn.BatchNorm2d(after))
            self.layers.append(nn.Conv2d(after, after, 3, padding=1))
            self.layers.append(nn.BatchNorm2d(after))
        self.layers.append(nn.Conv2d(w, 3, 1))
        self.layers.append(nn.BatchNorm2d(3))

    def two(self, number: int, maps: Tensor) -> Tensor:
        first, norm, second, other = self.layers[4 * number : 4 * number + 4]
        return other(second(norm(first(maps)).relu())).relu()

    def forward(self, images: Tensor) -> Tensor:
        height, width = images.shape[2:]
        sides = [max(16, 8 * math.ceil(side / 8)) for side in (height, width)]
        padded = torch.zeros(*images.shape[:2], *sides, dtype=images.dtype)
        padded[:, :, :height, :width] = images
        large = self.two(0, padded)
        middle = self.two(1, functional.avg_pool2d(large, 2))
        small = self.two(2, functional.avg_pool2d(middle, 2))
        maps = self.two(3, functional.avg_pool2d(small, 2))
        for number, beside in ((4, small), (5, middle), (6, large)):
            maps = functional.interpolate(maps, scale_factor=2, mode="bilinear", align_corners=True)
            maps = self.two(number, torch.cat([maps, beside], 1))
        last, norm = self.layers[28:]
        return norm(last(maps)).tanh()[:, :, :height, :width]


@dataclass
class Playing:
    """GUE on float64 images in [0, 1]."""

    own: Any
    classes: int
    network: nn.Module
    images: list[Tensor]
    labels: list[int]
    numbers: NoiseSettings
    generator: torch.Generator

    def make(self) -> Tensor:
        """Return the noise (N, C, H, W) in units of 1/255."""
        self.bound = self.numbers.rho_u / 255
        seed = int(torch.randint(2**62, (), generator=self.generator))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.drawer = Drawer(self.own.width).double()
        self.network.train()
        for _ in range(self.own.epochs):
            order = torch.randperm(len(self.images), generator=self.generator).tolist()
            for start in range(0, len(order), self.own.batch):
                chosen = order[start : start + self.own.batch]
                self.play(torch.stack([self.images[i] for i in chosen]), [self.labels[i] for i in chosen])
        self.drawer.eval()
        with torch.no_grad():
            return torch.stack([(255 * self.bound * self.drawer(image[None])[0]).round() for image in self.images])

    def play(self, images: Tensor, labels: list[int]) -> None:
        """Take one step of the game on a batch."""
        drawn, weights = list(self.drawer.parameters()), list(self.network.parameters())
        ahead = copy.deepcopy(self.network)
        adam = Adam(ahead, self.own.ahead_lr)
        for _ in range(self.own.updates):
            adam.update(self.g(ahead, images, labels))
        f_theta = torch.autograd.grad(self.f(images, labels), weights)
        learnt, best = (self.g(network, images, labels) for network in (self.network, ahead))
        q_a = torch.autograd.grad(learnt - best, drawn, retain_graph=True)
        q_theta = torch.autograd.grad(learnt, weights)
        square = sum(float((slope**2).sum()) for slope in (*q_a, *q_theta))
        along = sum(float((one * other).sum()) for one, other in zip(f_theta, q_theta, strict=True))
        weight = max(0.0, (self.own.eta * square - along) / (square + 1e-8))
        with torch.no_grad():
            for parameter, slope in zip(drawn, q_a, strict=True):
                parameter.sub_(self.own.generator_lr * weight * slope)
            for parameter, one, other in zip(weights, f_theta, q_theta, strict=True):
                parameter.sub_(self.own.surrogate_lr * (one + weight * other))

    def f(self, images: Tensor, labels: list[int]) -> Tensor:
        """Return the attacker's loss: the mean over images of the largest cross-entropy of a wrong label."""
        losses = -self.network(images).log_softmax(1)
        wrong = [[k for k in range(self.classes) if k != label] for label in labels]
        return torch.stack([row[others].max() for row, others in zip(losses, wrong, strict=True)]).mean()

    def g(self, network: nn.Module, images: Tensor, labels: list[int]) -> Tensor:
        """Return the victim's loss: the cross-entropy on noisy images."""
        noisy = (images + self.bound * self.drawer(images)).clamp(0, 1)
        return functional.cross_entropy(network(noisy), torch.tensor(labels))
