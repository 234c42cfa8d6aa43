"""Literal transcriptions of the methods on features or on several networks, under the rules of `literal.py`.

They draw from one generator in this order:

- `mi-ue-zhu26` and `-code`: per round, a permutation of the set for the surrogate's updates and
  another for the noise; in the released code's variant, also n offsets, all zero, and n flips for each batch of
  either;
- `entf-push-wen23` and `-pull-`: at the start of each training epoch, a permutation of the set; per step, n views and
  the attack's start; then the initial noise of all images in the order (n, C, H, W), and per sign step n x 3 numbers:
  the shift to the right, the shift down, and whether to flip;
- `sep-chen23` and `dune-wang26-without-lpips`: at the start of each training epoch, a permutation of the set; per step,
  n views; then, for the colours, each class's positions (particles, C) and velocities.
"""

import copy
import math
from dataclasses import dataclass

import numpy as np
import torch
from literal import Descent, attack_all, batches, slope
from literal_views import look_at_all
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor, nn
from torch.nn import functional

from attacks.core.numbers import EnsembleNumbers, Entangled
from attacks.core.settings import Augment, NoiseSettings
from attacks.methods.mi_ue_zhu26 import MutualInformation


@dataclass
class Attraction:
    """MI-UE on float64 images in [0, 1]; as released, or as in the paper."""

    released: bool
    network: nn.Module
    images: list[Tensor]
    labels: list[int]
    numbers: NoiseSettings
    generator: torch.Generator

    def make(self) -> Tensor:
        """Return the noise (N, C, H, W) in units of 1/255."""
        own, count, bound = MutualInformation.of(self.numbers), len(self.images), self.numbers.rho_u / 255
        updates = math.ceil(count / self.numbers.batch)
        descent = Descent(self.network, own.sgd.plain, rate=lambda update: self.rate(update // updates))
        noise = [torch.zeros_like(image) for image in self.images]
        for number in range(own.rounds):
            order = torch.randperm(count, generator=self.generator).tolist()
            for start in range(0, count, self.numbers.batch):
                chosen = order[start : start + self.numbers.batch]
                seen = self.seen(chosen)
                descent.update(
                    [x + noise[i] for i, x in zip(chosen, seen, strict=True)], [self.labels[i] for i in chosen]
                )
            step = own.descent.step * bound
            if self.released:  # number + 1 is their round number, which counts from 1
                last = own.last_step * bound
                step = (own.rounds - (number + 1) + 1) / own.rounds * (step - last) + last
            everything = torch.randperm(count, generator=self.generator).tolist()
            for start in range(0, count, own.batch):
                chosen = everything[start : start + own.batch]
                images = torch.stack(self.seen(chosen))
                deltas = torch.stack([noise[i] for i in chosen])
                for _ in range(own.descent.steps):
                    leaf = deltas.clone().requires_grad_()
                    self.network.eval()
                    loss = self.loss(self.network.features(images + leaf), [self.labels[i] for i in chosen])
                    deltas = deltas - step * torch.autograd.grad(loss, leaf)[0].sign()
                    deltas = deltas.clamp(-bound, bound)
                    deltas = (images + deltas).clamp(0, 1) - images
                noise = [deltas[chosen.index(i)] if i in chosen else old for i, old in enumerate(noise)]
        return torch.stack([(one * 255).round() for one in noise])

    def rate(self, number: int) -> float:
        """Return the learning rate of a round."""
        own = MutualInformation.of(self.numbers)
        share = (1 + math.cos(math.pi * number / own.rounds)) / 2
        return own.sgd.last + (own.sgd.lr - own.sgd.last) * share

    def seen(self, chosen: list[int]) -> list[Tensor]:
        """Return the chosen images, randomly flipped in the released code's variant."""
        images = [self.images[i] for i in chosen]
        return look_at_all(images, Augment(padding=0), self.generator) if self.released else images

    def loss(self, features: Tensor, labels: list[int]) -> Tensor:
        """Return the loss of a batch, computed pair by pair."""
        temperature, each = MutualInformation.of(self.numbers).temperature, []
        for i, one in enumerate(features):
            same, others, distance = torch.zeros(()), torch.zeros(()), torch.zeros(())
            for j, other in enumerate(features):
                cosine = functional.cosine_similarity(one, other, dim=0) if j != i else torch.ones(())
                pair = (cosine / temperature).exp()
                if labels[j] != labels[i]:
                    others = others + pair
                    continue
                same = same + pair
                distance = distance + ((one - other).norm() if j != i else 0)
            if self.released:
                each.append(-(same / (same + others)).log())
            else:
                apart = others if len(set(labels)) > 1 else 1  # in a batch of one class
                each.append((1 + distance / len(one)).log() * 0.1 - (same / apart).log())
        return torch.stack(each).mean() + 0 * features.sum()  # the loss of one image alone is constant


@dataclass
class Entanglement:
    """EntF on float64 images in [0, 1]: features pushed from their class's centroid or pulled to another's."""

    pulled: bool
    network: nn.Module
    images: list[Tensor]
    labels: list[int]
    numbers: NoiseSettings
    augment: Augment
    generator: torch.Generator

    def make(self) -> Tensor:
        """Return the noise (N, C, H, W) in units of 1/255."""
        own, bound = Entangled.of(self.numbers), self.numbers.rho_u / 255
        descent, order = Descent(self.network, own.sgd), batches(len(self.images), self.numbers.batch, self.generator)
        for _ in range(own.pretraining):
            chosen = next(order)
            views = look_at_all([self.images[i] for i in chosen], self.augment, self.generator)
            labels = [self.labels[i] for i in chosen]
            descent.update(
                attack_all(self.network, views, labels, self.numbers.rho_a, own.attack, self.generator), labels
            )
        centroids = self.centroids()
        shape = (len(self.images), *self.images[0].shape)
        deltas = list((torch.randn(shape, generator=self.generator, dtype=torch.float64) * bound).clamp(-bound, bound))
        for _ in range(own.descent.steps):
            draws = torch.rand((len(self.images), 3), generator=self.generator).tolist()
            for i, (image, label) in enumerate(zip(self.images, self.labels, strict=True)):
                leaf = (image + deltas[i]).requires_grad_()
                feature = self.network.features(drift(leaf, *draws[i])[None])[0]
                if self.pulled:
                    others = [centroid for k, centroid in centroids.items() if k != label]
                    loss = min(((feature - centroid) ** 2).mean() for centroid in others)
                else:
                    loss = -((feature - centroids[label]) ** 2).mean()
                delta = deltas[i] - own.descent.step * bound * torch.autograd.grad(loss, leaf)[0].sign()
                deltas[i] = (image + delta.clamp(-bound, bound)).clamp(0, 1) - image
        return torch.stack([(delta * 255).round() for delta in deltas])

    def centroids(self) -> dict[int, Tensor]:
        """Return the mean features of each class."""
        self.network.eval()
        with torch.no_grad():
            features = [self.network.features(image[None])[0] for image in self.images]
        members = {k: [f for f, own in zip(features, self.labels, strict=True) if own == k] for k in set(self.labels)}
        return {k: torch.stack(found).mean(0) for k, found in members.items()}


def drift(image: Tensor, right: float, down: float, flip: float) -> Tensor:
    """Shift an image (C, H, W) by up to an eighth of its sides, zero outside, and flip it if `flip` > 0.5."""
    _, height, width = image.shape
    rows = torch.arange(height, dtype=torch.float64) + (2 * down - 1) * height / 8
    columns = torch.arange(width, dtype=torch.float64) + (2 * right - 1) * width / 8
    if flip > 0.5:
        columns = width - 1 - columns
    y, x = torch.meshgrid(2 * rows / (height - 1) - 1, 2 * columns / (width - 1) - 1, indexing="ij")
    return functional.grid_sample(image[None], torch.stack([x, y], 2)[None], align_corners=True)[0]


@dataclass
class SelfEnsembling:
    """SEP, or DUNE without LPIPS, on float64 images in [0, 1]."""

    own: EnsembleNumbers
    by: int
    classes: int
    network: nn.Module
    images: list[Tensor]
    labels: list[int]
    numbers: NoiseSettings
    augment: Augment
    generator: torch.Generator

    def make(self) -> Tensor:
        """Return the noise (N, C, H, W) in units of 1/255."""
        networks, bound = self.checkpoints(), self.numbers.rho_u / 255
        colours = self.colours(networks) if self.own.colour else [torch.zeros(3, 1, 1)] * self.classes
        found = []
        for image, label in zip(self.images, self.labels, strict=True):
            at = image
            for _ in range(self.own.descent.steps):
                mean = sum(slope(network, at, self.target(label)) for network in networks) / len(networks)
                at = at - self.own.descent.step * bound * mean.sign()
                at = torch.minimum(torch.maximum(at, image - bound), image + bound).clamp(0, 1)
            found.append(((at + colours[label]).clamp(0, 1) - image) * 255)
        return torch.stack(found).round()

    def target(self, label: int) -> int:
        """Return the target class of a label."""
        return (label + self.by) % self.classes

    def checkpoints(self) -> list[nn.Module]:
        """Train the network and return its checkpoints, the final one last."""
        steps, kept = self.own.pretraining, []
        descent, order = (
            Descent(self.network, self.own.sgd),
            batches(len(self.images), self.numbers.batch, self.generator),
        )
        for step in range(1, steps + 1):
            chosen = next(order)
            views = look_at_all([self.images[i] for i in chosen], self.augment, self.generator)
            descent.update(views, [self.labels[i] for i in chosen])
            if step in {math.ceil(steps * number / self.own.checkpoints) for number in range(1, steps + 1)}:
                kept.append(copy.deepcopy(self.network))
        return kept

    def colours(self, networks: list[nn.Module]) -> list[Tensor]:
        """Return the colour shift (3, 1, 1) of each class."""
        line = sorted(self.labels)
        count = int(len(line) * self.own.colour.share)
        judges = [line[len(line) * k // count] for k in range(count)]
        found = []
        for label in range(self.classes):
            members = [image for image, own in zip(self.images, self.labels, strict=True) if own == label]
            found.append(self.swarm(members[: judges.count(label)], self.target(label), networks))
        return found

    def swarm(self, images: list[Tensor], target: int, networks: list[nn.Module]) -> Tensor:
        """Return the best colour shift that the swarm found."""
        shape = (self.own.colour.particles, 3)
        places, speeds = (
            [most * (2 * one - 1) for one in torch.rand(shape, generator=self.generator, dtype=torch.float64)]
            for most in (0.1, 0.01)
        )
        own = [(math.inf, place) for place in places]
        best = (math.inf, places[0])
        for _ in range(self.own.colour.rounds):
            for j, place in enumerate(places):
                cost = sum(self.cost(image, place, target, networks) for image in images) / len(images)
                if cost < own[j][0]:
                    own[j] = (cost, place)
                if cost < best[0]:
                    best = (cost, place)
            for j, place in enumerate(places):
                speeds[j] = 0.5 * speeds[j] + 0.3 * (own[j][1] - place) + 0.3 * (best[1] - place)
                places[j] = place + speeds[j]
        return best[1][:, None, None]

    def cost(self, image: Tensor, place: Tensor, target: int, networks: list[nn.Module]) -> float:
        """Return the cost of a colour shift of one image."""
        shifted = (image + place[:, None, None]).clamp(0, 1)
        loss = 0.0
        for network in networks:
            with torch.no_grad():
                loss += float(functional.cross_entropy(network.eval()(shifted[None]), torch.tensor([target])))
        pair = [np.asarray(one.permute(1, 2, 0)) for one in (image, shifted)]
        psnr = peak_signal_noise_ratio(*pair, data_range=1)
        ssim = structural_similarity(*pair, channel_axis=-1, data_range=1)
        return loss / len(networks) + max(0, 20 - psnr) + max(0, 0.8 - ssim)
