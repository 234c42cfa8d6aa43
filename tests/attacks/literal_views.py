"""The random views `T` written out literally, one image at a time; the order of their draws is in `literal.py`."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from attacks.settings import Augment


@dataclass(frozen=True)
class Window:
    """A window of the image's own size on its padded self: offsets in pixels (down, right), flipped or not."""

    down: int
    right: int
    flipped: bool
    padding: int

    def look(self, image: Tensor) -> Tensor:
        """Flip an image (C, H, W), pad it with zeros and cut the window."""
        if self.flipped:
            image = image.flip(2)
        height, width = image.shape[1:]
        padded = functional.pad(image, (self.padding,) * 4)
        top, left = self.padding + self.down, self.padding + self.right
        return padded[:, top : top + height, left : left + width]


@dataclass(frozen=True)
class Box:
    """A box of the image, in fractions of its height and width, seen as a square of `side` pixels, flipped or not."""

    top: float
    left: float
    height: float
    width: float
    flipped: bool
    side: int | None

    def look(self, image: Tensor) -> Tensor:
        """Take each pixel of the view from the four pixels of an image (C, H, W) around its place there."""
        side = self.side or image.shape[1]
        rows = []
        for i in range(side):
            down = (self.top + self.height * (i + 0.5) / side) * image.shape[1] - 0.5
            columns = [self.width * (j + 0.5) / side for j in range(side)]
            across = [self.width - column if self.flipped else column for column in columns]
            rows.append([between(image, down, (self.left + a) * image.shape[2] - 0.5) for a in across])
        return torch.stack([torch.stack(row, 1) for row in rows], 1)


def between(image: Tensor, down: float, right: float) -> Tensor:
    """Return the channels (C,) at a place between pixel centres; beyond the last centre the edge goes on."""
    down, right = min(max(down, 0), image.shape[1] - 1), min(max(right, 0), image.shape[2] - 1)
    top, left = math.floor(down), math.floor(right)
    below, beside = min(top + 1, image.shape[1] - 1), min(left + 1, image.shape[2] - 1)
    low, far = down - top, right - left
    above = (1 - far) * image[:, top, left] + far * image[:, top, beside]
    return (1 - low) * above + low * ((1 - far) * image[:, below, left] + far * image[:, below, beside])


def draw_places(count: int, augment: Augment, generator: torch.Generator) -> list[Window | Box]:
    """Draw the places of some views."""
    if augment.kind == "resized-crop":
        numbers = torch.rand((4, count), generator=generator).T.tolist()
        flips = (torch.rand(count, generator=generator) < 0.5).tolist()
        return [box(*four, flipped, augment.size) for four, flipped in zip(numbers, flips, strict=True)]
    pad = augment.padding
    offsets = torch.randint(-pad, pad + 1, (count, 2), generator=generator).tolist()
    flips = (torch.rand(count, generator=generator) < 0.5).tolist()
    return [Window(down, right, flipped, pad) for (down, right), flipped in zip(offsets, flips, strict=True)]


def box(area: float, ratio: float, top: float, left: float, flipped: bool, side: int | None) -> Box:
    """Return the box of four numbers in 0 to 1: area 8 to 100%, log-uniform ratio 3/4 to 4/3, any place."""
    area = 0.08 + 0.92 * area
    ratio = math.exp(math.log(3 / 4) + ratio * (math.log(4 / 3) - math.log(3 / 4)))
    width, height = min(math.sqrt(area * ratio), 1), min(math.sqrt(area / ratio), 1)
    return Box((1 - height) * top, (1 - width) * left, height, width, flipped, side)


def look_at_all(images: list[Tensor], augment: Augment, generator: torch.Generator) -> list[Tensor]:
    """Return one random view of each image."""
    places = draw_places(len(images), augment, generator)
    return [place.look(image) for image, place in zip(images, places, strict=True)]
