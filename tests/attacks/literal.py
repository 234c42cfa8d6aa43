"""Literal transcriptions of the methods and of adversarial training: slow, in float64, one image and view at a time.

The engine is checked against this code, which shares nothing with it beyond the frozen settings. Both draw from a
generator in the same order:

1. at the start of each epoch, a permutation of the set;
2. wherever n views are drawn: n x 2 offsets (down, right), or for resized crops 2 x 10 x n uniform numbers (area and
   ratio of ten tries) and 2 x n (top, left); then n uniform numbers, of which those under 0.5 mean a flip;
3. `em-fu22`: the views that replace the batch's images;
4. the initial noise of the batch, in the order (n, H, W, C);
5. per sign step: J x n views, view j of image i being number j x n + i, then, if the method disturbs them, one
   uniform or normal number per entry of all views in the order (J x n, C, H, W);
6. adversarial update: n views, then the attack's start in the order (n, C, H, W);
7. `asr-fang24`: n views of the batch's clean images.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from literal_views import Window, draw_places, look_at_all
from torch import Tensor, nn
from torch.nn import functional

from attacks.core.settings import Augment, NoiseSettings, Sgd, SignSteps
from attacks.task import Task
from victims.settings import VictimSettings


@dataclass(frozen=True)
class Row:
    """A row of the table of methods.

    Attributes:
        disturb: how each view is disturbed: by `identity`, `attack`, or a random draw, `uniform` or `gaussian`.
        batch_of_views: whether the batch's images are first replaced by views of themselves.
        valid: whether each step updates the noisy image, kept in [0, 1], and the surrogate sees float16 noise (released
            EM); otherwise a step updates the noise, through a clamp, and the surrogate sees it rounded (REM and SEM).
        calm: whether an update also pulls predictions on views of the clean images towards uniform (ASR).
    """

    many_views: bool
    disturb: str
    attacked_update: bool
    batch_of_views: bool = False
    valid: bool = False
    calm: bool = False


TABLE = {
    "em-fu22": Row(many_views=False, disturb="identity", attacked_update=False, batch_of_views=True, valid=True),
    "em-fu22-aligned": Row(many_views=False, disturb="identity", attacked_update=False, valid=True),
    "rem-fu22": Row(many_views=True, disturb="attack", attacked_update=True),
    "sem-liu24": Row(many_views=True, disturb="uniform", attacked_update=True),
    "asr-fang24": Row(many_views=True, disturb="identity", attacked_update=True, calm=True),
}


class Tiny(nn.Module):
    """A residual network of a few hundred weights; two BatchNorms fold into a convolution and one does not."""

    def __init__(self, classes: int, channels: int = 3, width: int = 6) -> None:
        super().__init__()
        self.stem = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        self.stem_norm = nn.BatchNorm2d(width)
        self.middle = nn.Conv2d(width, width, 3, padding=1, bias=True)
        self.middle_norm = nn.BatchNorm2d(width)
        self.last_norm = nn.BatchNorm2d(width)
        self.head = nn.Linear(width, classes)

    def features(self, images: Tensor) -> Tensor:
        maps = self.stem_norm(self.stem(images - 0.5)).relu()
        maps = maps + self.middle_norm(self.middle(maps))
        return self.last_norm(maps).relu().mean((2, 3))

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images))


def tiny(classes: int, seed: int) -> Tiny:
    """Build the network from a seed, leaving the global random state alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Tiny(classes)


def taken(task: Task) -> dict[str, Any]:
    """Return the arguments shared by all literal algorithms."""
    return {
        "network": task.network().double(),
        "images": list(task.images.double() / 255),
        "labels": task.labels.tolist(),
        "numbers": task.settings,
        "generator": task.generator,
    }


def batches(count: int, batch: int, generator: torch.Generator) -> Iterator[list[int]]:
    """Yield shuffled batches endlessly, dropping an incomplete batch at the end of an epoch.

    A set smaller than a batch forms one batch.
    """
    batch = min(batch, count)
    while True:
        order = torch.randperm(count, generator=generator).tolist()
        for start in range(0, count - batch + 1, batch):
            yield order[start : start + batch]


def uniform(shape: tuple[int, ...], radius: float, generator: torch.Generator) -> Tensor:
    """Draw uniformly in +-radius/255."""
    return torch.empty(shape, dtype=torch.float64).uniform_(-radius / 255, radius / 255, generator=generator)


def slope(network: nn.Module, image: Tensor, label: int) -> Tensor:
    """Return the gradient of the cross-entropy with respect to one image, in eval mode."""
    network.eval()
    leaf = image.detach().clone().requires_grad_()
    loss = functional.cross_entropy(network(leaf[None]), torch.tensor([label]))
    return torch.autograd.grad(loss, leaf)[0]


def through_clamp(gradient: Tensor, at: Tensor) -> Tensor:
    """Return the gradient of `at`, given that of `at.clamp(0, 1)`, as in the authors' PyTorch 1.8."""
    return torch.where((at < 0) | (at > 1), torch.zeros_like(gradient), gradient)


def attack(network: nn.Module, image: Tensor, label: int, start: Tensor, radius: float, steps: SignSteps) -> Tensor:
    """Raise one image's cross-entropy by projected gradient ascent from `image + start`."""
    found = (image + start).clamp(0, 1)
    for _ in range(steps.steps):
        found = found + steps.step * radius / 255 * slope(network, found, label).sign()
        found = torch.minimum(torch.maximum(found, image - radius / 255), image + radius / 255)
        found = found.clamp(0, 1)
    return found


@dataclass
class Descent:
    """SGD with weight decay, momentum and milestones on the mean cross-entropy of a batch in train mode.

    A gradient whose norm over all weights exceeds `largest_gradient` is scaled down to it. If given, `rate`, a function
    of the number of the update, replaces the milestones.
    """

    network: nn.Module
    numbers: Sgd
    largest_gradient: float = math.inf
    rate: Callable[[int], float] | None = None
    updates: int = 0
    velocity: dict[str, Tensor] = field(default_factory=dict)

    def update(
        self, images: list[Tensor], labels: list[int], clean: list[Tensor] | None = None, power: int = 1
    ) -> None:
        """Take one step; the distance of predictions on `clean` images from uniform, to a power, adds to the loss."""
        self.network.train()
        loss = functional.cross_entropy(self.network(torch.stack(images)), torch.tensor(labels))
        if clean is not None:
            probabilities = self.network(torch.stack(clean)).softmax(1)
            far = ((probabilities - 1 / probabilities.shape[1]) ** 2).sum(1) ** 0.5
            loss = loss + (far**power).mean()
        weights = dict(self.network.named_parameters())
        gradients = torch.autograd.grad(loss, list(weights.values()))
        norm = math.sqrt(sum(float((gradient**2).sum()) for gradient in gradients))
        if norm > self.largest_gradient:
            gradients = [gradient * self.largest_gradient / norm for gradient in gradients]
        passed = sum(milestone <= self.updates for milestone in self.numbers.milestones)
        rate = self.rate(self.updates) if self.rate else self.numbers.lr * self.numbers.gamma**passed
        with torch.no_grad():
            for (name, weight), gradient in zip(weights.items(), gradients, strict=True):
                decayed = gradient + self.numbers.weight_decay * weight
                before = self.velocity.get(name, torch.zeros_like(weight))
                self.velocity[name] = self.numbers.momentum * before + decayed
                weight.sub_(rate * self.velocity[name])
        self.updates += 1


@dataclass
class Maker:
    """One run of one method on float64 images in [0, 1]."""

    row: Row
    network: nn.Module
    images: list[Tensor]
    labels: list[int]
    numbers: NoiseSettings
    augment: Augment
    generator: torch.Generator

    def make(self) -> Tensor:
        """Run the surrogate loop and the final pass; return the noise (N, C, H, W) in units of 1/255."""
        descent = Descent(self.network, self.numbers.sgd)
        order = batches(len(self.images), self.numbers.batch, self.generator)
        for _ in range(self.numbers.steps):
            chosen = next(order)
            images, labels = self.batch(chosen), [self.labels[i] for i in chosen]
            noise = self.noise(images, labels)
            seen = noise if self.row.valid else [(one * 255).round() / 255 for one in noise]
            noisy = [image + one for image, one in zip(images, seen, strict=True)]
            if self.row.attacked_update:
                noisy = self.attacked_views(noisy, labels)
            else:
                noisy = [one.clamp(0, 1) for one in noisy]
            clean = look_at_all(images, self.augment, self.generator) if self.row.calm else None
            descent.update(noisy, labels, clean, self.numbers.tables.get("asr", {}).get("power", 1))
        final = self.noise(self.batch(list(range(len(self.images)))), self.labels)
        return torch.stack([(one * 255).round() for one in final])

    def batch(self, chosen: list[int]) -> list[Tensor]:
        """Return the batch's images, or one view of each at the image's own size."""
        images = [self.images[i] for i in chosen]
        whole = self.augment.model_copy(update={"size": None})
        return look_at_all(images, whole, self.generator) if self.row.batch_of_views else images

    def attacked_views(self, noisy: list[Tensor], labels: list[int]) -> list[Tensor]:
        """Return an attacked view of each noisy image; the views, not the images, are clamped to [0, 1]."""
        views = [view.clamp(0, 1) for view in look_at_all(noisy, self.augment, self.generator)]
        return attack_all(self.network, views, labels, self.numbers.rho_a, self.numbers.ascent, self.generator)

    def noise(self, images: list[Tensor], labels: list[int]) -> list[Tensor]:
        """Make the noise of a batch, in [-1, 1]."""
        channels, height, width = images[0].shape
        start = uniform((len(images), height, width, channels), self.numbers.rho_u, self.generator)
        deltas = list(start.permute(0, 3, 1, 2))
        bound = self.numbers.rho_u / 255
        if self.row.valid:
            return self.noise_of_valid_images(images, [x + d for x, d in zip(images, deltas, strict=True)], labels)
        for _ in range(self.numbers.descent.steps):
            slopes = self.summed_slopes(images, deltas, labels)
            for i, sign in enumerate(one.sign() for one in slopes):
                deltas[i] = (deltas[i] - self.numbers.descent.step * bound * sign).clamp(-bound, bound)
        return deltas

    def noise_of_valid_images(self, images: list[Tensor], noisy: list[Tensor], labels: list[int]) -> list[Tensor]:
        """Take sign steps down from noisy images kept in [0, 1]; return their noise as float16."""
        bound, step = self.numbers.rho_u / 255, self.numbers.descent.step
        found = []
        for image, start, label in zip(images, noisy, labels, strict=True):
            at = start.clamp(0, 1)
            for _ in range(self.numbers.descent.steps):
                at = at - step * bound * slope(self.network, at, label).sign()
                at = (image + (at - image).clamp(-bound, bound)).clamp(0, 1)
            found.append((at - image).half())
        return found

    def summed_slopes(self, images: list[Tensor], deltas: list[Tensor], labels: list[int]) -> list[Tensor]:
        """Return, per image, the sum over its views of the gradient at the view, pulled back to the image."""
        many, count = self.numbers.views if self.row.many_views else 1, len(images)
        height, width = images[0].shape[1:]
        places = [Window(0, 0, flipped=False, padding=0)] * count
        if self.row.many_views:
            places = draw_places(many * count, (height, width), self.augment, self.generator)
        draws = torch.zeros(many * count, *places[0].look(images[0]).shape, dtype=torch.float64)
        radius = self.numbers.rho_a
        if self.row.disturb == "gaussian":
            draws = torch.normal(0, radius / 255, draws.shape, dtype=draws.dtype, generator=self.generator)
        elif self.row.disturb != "identity":
            draws = uniform(tuple(draws.shape), radius, self.generator)
        totals = [torch.zeros_like(image) for image in images]
        for number, (place, draw) in enumerate(zip(places, draws, strict=True)):
            i = number % count
            noisy = images[i] + deltas[i]
            leaf = noisy.clamp(0, 1).requires_grad_()
            view = place.look(leaf)
            at = self.disturbed(view.detach(), labels[i], draw)
            pulled = torch.autograd.grad(view, leaf, slope(self.network, at, labels[i]))[0]
            totals[i] += through_clamp(pulled, noisy)
        return totals

    def disturbed(self, view: Tensor, label: int, draw: Tensor) -> Tensor:
        """Return the disturbed view, at which the gradient is taken."""
        if self.row.disturb == "attack":
            return attack(self.network, view, label, draw, self.numbers.rho_a, self.numbers.ascent)
        return (view + draw).clamp(0, 1)


def attack_all(
    network: nn.Module,
    images: list[Tensor],
    labels: list[int],
    radius: float,
    steps: SignSteps,
    generator: torch.Generator,
) -> list[Tensor]:
    """Attack each image from a random start."""
    starts = uniform((len(images), *images[0].shape), radius, generator)
    triples = zip(images, labels, starts, strict=True)
    return [attack(network, image, label, start, radius, steps) for image, label, start in triples]


def score(network: nn.Module, images: list[Tensor], labels: list[int]) -> tuple[float, float]:
    """Return the accuracy in percent and the mean cross-entropy, in eval mode."""
    network.eval()
    right, loss = 0, 0.0
    for image, label in zip(images, labels, strict=True):
        with torch.no_grad():
            logits = network(image[None])
        right += int(logits.argmax()) == label
        loss += float(functional.cross_entropy(logits, torch.tensor([label])))
    return 100 * right / len(images), loss / len(images)


def train_victim(
    network: nn.Module,
    images: list[Tensor],
    labels: list[int],
    test: list[Tensor],
    test_labels: list[int],
    rho_a: float,
    numbers: VictimSettings,
    padding: int,
    generator: torch.Generator,
) -> list[tuple[int, float, float]]:
    """Train a victim, adversarially if `rho_a`; return (step, accuracy, loss) of each evaluation on clean images."""
    descent, order, curve = Descent(network, numbers.sgd), batches(len(images), numbers.batch, generator), []
    augment = Augment(padding=padding)
    for step in range(1, numbers.steps + 1):
        chosen = next(order)
        views = look_at_all([images[i] for i in chosen], augment, generator)
        targets = [labels[i] for i in chosen]
        if rho_a:
            views = attack_all(network, views, targets, rho_a, numbers.attack, generator)
        descent.update(views, targets)
        if step % numbers.evaluate_every == 0 or step == numbers.steps:
            curve.append((step, *score(network, test, test_labels)))
    return curve
