"""Literal transcriptions of PIL, AUE and AAP, under the same rules as `literal.py`.

They draw from one generator in this order:

- a view `A` of n images: 2 x 10 x n uniform numbers (area and ratio of ten tries), 2 x n (top, left), n (under 0.5: a
  flip), 4 x n (brightness, contrast, saturation, hue), 4 whose argsort orders these, 2 x n (whether jittered, grey);
- `pil-liu26`: the weights of the first and of the second layer, the order of the images, the initial noise of all
  images in the order (n, H, W, C);
- `aue-wang24`: per epoch a permutation of the set, a view of each batch, and a view of all images per sign step; for
  class-wise noise, a permutation of the set before the sign steps, and views of each batch;
- `aap-wang24`: as `tap-fowl21`, but with `A`, and without random initial noise.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from literal import Descent, slope
from literal_views import box
from torch import Tensor, nn
from torch.nn import functional

from attacks.core.settings import NoiseSettings, Sgd


def settings(table: dict[str, object]) -> dict[str, float]:
    """Return the optimiser settings in a table."""
    return {"momentum": 0.9} | dict(table["sgd"])  # type: ignore[call-overload]


def annealed(numbers: dict[str, float], epoch: int, epochs: int) -> Sgd:
    """Return the optimiser settings for an epoch: linear warm-up, then half a cosine."""
    warm, top, low = numbers.get("warm_up", 0), numbers["lr"], numbers["last"]
    if epoch < warm:
        rate = top * (epoch + 1) / warm
    else:
        rate = low + 0.5 * (top - low) * (1 + math.cos((epoch - warm) / (epochs - warm) * math.pi))
    return Sgd(lr=rate, momentum=numbers["momentum"], weight_decay=numbers["weight_decay"])


def clamp(image: Tensor) -> Tensor:
    """Clamp to [0, 1]; the derivative passes at both ends, as in the authors' PyTorch 2.0."""
    return torch.where((image >= 0) & (image <= 1), image, image.detach().clamp(0, 1))


def grey(image: Tensor) -> Tensor:
    """Return a greyscale version (1, H, W) of an image (3, H, W)."""
    return (0.299 * image[0] + 0.587 * image[1] + 0.114 * image[2])[None]


def turn(image: Tensor, share: float) -> Tensor:
    """Rotate the hue of an image (3, H, W) by a share of a turn, via HSV."""
    value, largest = image.max(0)
    spread = value - image.min(0).values
    saturation = spread / (value + 1e-8)
    part = torch.where(spread == 0, 1.0, spread)
    to_red, to_green, to_blue = value - image
    hues = torch.stack([to_blue - to_green, to_red - to_blue + 2 * part, to_green - to_red + 4 * part]) / part
    sixths = (hues.gather(0, largest[None])[0] / 6 % 1 + share) % 1 * 6
    sector = sixths.floor().long() % 6
    rest = sixths % 6 - sector
    low, falling, rising = (
        value * (1 - saturation),
        value * (1 - rest * saturation),
        value * (1 - (1 - rest) * saturation),
    )
    rows = (
        (value, falling, low, low, rising, value),
        (rising, value, value, falling, low, low),
        (low, low, rising, value, value, falling),
    )
    return torch.stack([torch.stack(row).gather(0, sector[None])[0] for row in rows])


@dataclass(frozen=True)
class Look:
    """One view `A` of an image."""

    box: tuple[int, int, int, int]
    flipped: bool
    factors: list[float]
    order: list[int]
    jittered: bool
    grey: bool

    def look(self, image: Tensor) -> Tensor:
        """Crop, resize, flip and recolour an image (3, H, W)."""
        top, left, height, width = self.box
        cut = image[None, :, top : top + height, left : left + width]
        view = functional.interpolate(cut, size=image.shape[1:], mode="bilinear", align_corners=True)[0]
        view = view.flip(2) if self.flipped else view
        bright, contrast, saturation, hue = self.factors
        changes: tuple[Callable[[Tensor], Tensor], ...] = (
            lambda it: clamp(it * bright),
            lambda it: clamp(it * contrast + grey(it).mean() * (1 - contrast)),
            lambda it: clamp(it * saturation + grey(it) * (1 - saturation)),
            lambda it: turn(it, hue),
        )
        if self.jittered:
            for number in self.order:
                view = changes[number](view)
        return grey(view).repeat(3, 1, 1) if self.grey else view


def draw_looks(count: int, size: tuple[int, int], strength: float, generator: torch.Generator) -> list[Look]:
    """Draw one view for each of `count` images."""
    areas, ratios = torch.rand((2, 10, count), generator=generator).tolist()
    downs, rights = torch.rand((2, count), generator=generator).tolist()
    flips = (torch.rand(count, generator=generator) < 0.5).tolist()
    drawn = torch.rand((4, count), generator=generator).tolist()
    order = torch.rand(4, generator=generator).argsort().tolist()
    jittered, greyed = torch.rand((2, count), generator=generator).tolist()
    spread = [0.4 * strength, 0.4 * strength, 0.4 * strength, 0.1 * strength]
    return [
        Look(
            box(
                size,
                [(areas[k][i], ratios[k][i]) for k in range(10)],
                downs[i],
                rights[i],
                max(1 - 0.9 * strength, 0.05),
            ),
            flips[i],
            [
                middle + wide * (2 * drawn[k][i] - 1)
                for k, (middle, wide) in enumerate(zip((1, 1, 1, 0), spread, strict=True))
            ],
            order,
            jittered[i] < min(0.99, 0.8 * strength),
            greyed[i] < 0.2 * strength,
        )
        for i in range(count)
    ]


def pulled(network: nn.Module, look: Look, noisy: Tensor, label: int) -> Tensor:
    """Return the gradient of a view's cross-entropy, pulled back to the noisy image."""
    leaf = noisy.detach().clone().requires_grad_()
    view = look.look(leaf)
    return torch.autograd.grad(view, leaf, slope(network, view.detach(), label))[0]


@dataclass
class Contrast:
    """AUE and AAP on float64 images in [0, 1].

    Attributes:
        kind: `aue`, `aue-classwise`, `aap` or `aap-untargeted`.
    """

    kind: str
    network: nn.Module
    images: list[Tensor]
    labels: list[int]
    classes: int
    numbers: NoiseSettings
    generator: torch.Generator

    def make(self) -> Tensor:
        """Return the noise (N, C, H, W) in units of 1/255."""
        table = self.numbers.tables[self.kind[:3]]
        epochs, sgd = table["epochs"], settings(table)
        descent = Descent(self.network, annealed(sgd, 0, epochs))
        by_class = self.kind == "aue-classwise"
        noise = [torch.zeros_like(self.images[0]) for _ in range(self.classes if by_class else len(self.images))]
        owner = self.labels if by_class else list(range(len(self.images)))
        for epoch in range(epochs):
            descent.numbers = annealed(sgd, epoch, epochs)
            for batch in self.batches(table["batch"]):
                noisy = [self.images[i] + noise[owner[i]] for i in batch]
                looks = self.looks(len(batch), table["strength"])
                views = [look.look(it) for look, it in zip(looks, noisy, strict=True)]
                descent.update(views, [self.labels[i] for i in batch])
            if by_class:
                for batch in self.batches(table["batch"]):
                    self.step_classes(noise, batch, table)
            elif self.kind == "aue":
                self.step(noise, self.labels, table, 1)
        if self.kind == "aap":
            self.step(noise, [(label + 1) % self.classes for label in self.labels], table, 1)
        if self.kind == "aap-untargeted":
            self.step(noise, self.labels, table, -1)
        return torch.stack([(noise[i] * 255).round() for i in owner])

    def batches(self, size: int) -> list[list[int]]:
        """Return the shuffled batches of an epoch, including an incomplete last one."""
        order = torch.randperm(len(self.images), generator=self.generator).tolist()
        return [order[start : start + size] for start in range(0, len(order), size)]

    def looks(self, count: int, strength: float) -> list[Look]:
        """Draw one view for each of `count` images."""
        height, width = self.images[0].shape[1:]
        return draw_looks(count, (height, width), strength, self.generator)

    def step(self, noise: list[Tensor], labels: list[int], table: dict, way: int) -> None:
        """Take the sign steps for every image."""
        bound = self.numbers.rho_u / 255
        for _ in range(table["descent"]["steps"]):
            for i, look in enumerate(self.looks(len(self.images), table["strength"])):
                image = self.images[i]
                sign = way * pulled(self.network, look, image + noise[i], labels[i]).sign()
                moved = (noise[i] - table["descent"]["step"] * bound * sign).clamp(-bound, bound)
                noise[i] = (image + moved).clamp(0, 1) - image

    def step_classes(self, noise: list[Tensor], batch: list[int], table: dict) -> None:
        """Take the sign steps for every class in a batch."""
        bound = self.numbers.rho_u / 255
        for _ in range(table["class_descent"]["steps"]):
            totals = [torch.zeros_like(one) for one in noise]
            for i, look in zip(batch, self.looks(len(batch), table["strength"]), strict=True):
                label = self.labels[i]
                totals[label] += pulled(self.network, look, self.images[i] + noise[label], label)
            for label, total in enumerate(totals):
                moved = noise[label] - table["class_descent"]["step"] * bound * total.sign()
                noise[label] = moved.clamp(-bound, bound)


def linearised(
    images: list[Tensor], labels: list[int], classes: int, numbers: NoiseSettings, generator: torch.Generator
) -> Tensor:
    """Run PIL on float64 images in [0, 1]; return the noise (N, C, H, W) in units of 1/255."""
    table, bound = numbers.tables["pil"], numbers.rho_u / 255
    share = table.get("shortcut", 0.9)
    channels, height, width = images[0].shape
    fans = (channels * height * width, classes)
    network = nn.Sequential(nn.Flatten(), *[nn.Linear(fan, classes, bias=False) for fan in fans]).double()
    for layer, fan in zip((network[1], network[2]), fans, strict=True):
        nn.init.uniform_(layer.weight, -1 / math.sqrt(fan), 1 / math.sqrt(fan), generator=generator)
    descent = Descent(network, annealed(settings(table), 0, table["epochs"]))
    order = torch.randperm(len(images), generator=generator).tolist()
    for epoch in range(table["epochs"]):
        descent.numbers = annealed(settings(table), epoch, table["epochs"])
        for start in range(0, len(order), table["batch"]):
            batch = order[start : start + table["batch"]]
            descent.update([images[i] for i in batch], [labels[i] for i in batch])
    starts = torch.empty((len(images), height, width, channels), dtype=torch.float64)
    starts.uniform_(-bound, bound, generator=generator)
    found, even = [], torch.full((classes,), 1 / classes, dtype=torch.float64)
    for image, label, start in zip(images, labels, starts.permute(0, 3, 1, 2), strict=True):
        delta = start.clone()
        for _ in range(table["descent"]["steps"]):
            leaf = delta.clone().requires_grad_()
            shortcut = -network(leaf[None]).log_softmax(1)[0, label]
            blurred = (even * (even.log() - network((image - leaf)[None]).log_softmax(1)[0])).sum()
            loss = share * shortcut + (1 - share) * blurred
            sign = torch.autograd.grad(loss, leaf)[0].sign()
            delta = (delta - table["descent"]["step"] * bound * sign).clamp(-bound, bound)
        found.append((-delta * 255).round())
    return torch.stack(found)
