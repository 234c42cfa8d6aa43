"""The methods that work on features or on several networks written out literally, under the rules of `literal.py`.

They consume one generator in this order:

- `mi-ue-zhu26` and `-code`: per round, a permutation of the set, in whose order the surrogate learns whole batches,
  and another, in whose order the noise is made; in the released code's variant, n offsets that are zero and n flips for
  each batch of either.
"""

import math
from dataclasses import dataclass

import torch
from literal import Descent, batches
from literal_views import look_at_all
from torch import Tensor, nn
from torch.nn import functional

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
        updates = max(1, count // self.numbers.batch)
        descent = Descent(self.network, own.sgd, rate=lambda update: self.rate(update // updates))
        noise = [torch.zeros_like(image) for image in self.images]
        order = batches(count, self.numbers.batch, self.generator)
        for number in range(own.rounds):
            for _ in range(updates):
                chosen = next(order)
                seen = self.seen(chosen)
                descent.update(
                    [x + noise[i] for i, x in zip(chosen, seen, strict=True)], [self.labels[i] for i in chosen]
                )
            step = own.descent.step * bound
            if self.released:  # number + 1 is theirs, which counts from 1
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
        return own.last_lr + (own.sgd.lr - own.last_lr) * share

    def seen(self, chosen: list[int]) -> list[Tensor]:
        """Return some images, flipped or not in the released code's variant."""
        images = [self.images[i] for i in chosen]
        return look_at_all(images, Augment(padding=0), self.generator) if self.released else images

    def loss(self, features: Tensor, labels: list[int]) -> Tensor:
        """Return the loss of a batch, one pair after another."""
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
