"""A literal transcription of the random views `T`, one image at a time; `literal.py` gives the order of the draws."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from attacks.core.settings import Augment


@dataclass(frozen=True)
class Window:
    """A window of the image's own size on the padded image: offsets in pixels (down, right), flipped or not."""

    down: int
    right: int
    flipped: bool
    padding: int

    def look(self, image: Tensor) -> Tensor:
        """Flip an image (C, H, W), pad it with zeros and cut out the window."""
        if self.flipped:
            image = image.flip(2)
        height, width = image.shape[1:]
        padded = functional.pad(image, (self.padding,) * 4)
        top, left = self.padding + self.down, self.padding + self.right
        return padded[:, top : top + height, left : left + width]


@dataclass(frozen=True)
class Box:
    """A box of whole pixels of the image, resized to a square of `side` pixels, flipped or not."""

    top: int
    left: int
    height: int
    width: int
    flipped: bool
    side: int | None

    def look(self, image: Tensor) -> Tensor:
        """Cut the box out of an image (C, H, W), interpolate each pixel of the view from four pixels, and flip."""
        side = self.side or image.shape[1]
        cut = image[:, self.top : self.top + self.height, self.left : self.left + self.width]
        rows = []
        for i in range(side):
            down = self.height * (i + 0.5) / side - 0.5
            across = [self.width * (j + 0.5) / side - 0.5 for j in range(side)]
            rows.append(torch.stack([between(cut, down, right) for right in across], 1))
        view = torch.stack(rows, 1)
        return view.flip(2) if self.flipped else view


def between(image: Tensor, down: float, right: float) -> Tensor:
    """Return the channels (C,) at a place between pixel centres; beyond the last centre, the edge is repeated."""
    down, right = min(max(down, 0), image.shape[1] - 1), min(max(right, 0), image.shape[2] - 1)
    top, left = math.floor(down), math.floor(right)
    below, beside = min(top + 1, image.shape[1] - 1), min(left + 1, image.shape[2] - 1)
    low, far = down - top, right - left
    above = (1 - far) * image[:, top, left] + far * image[:, top, beside]
    return (1 - low) * above + low * ((1 - far) * image[:, below, left] + far * image[:, below, beside])


def draw_places(count: int, size: tuple[int, int], augment: Augment, generator: torch.Generator) -> list[Window | Box]:
    """Draw the places of `count` views of images of `size` (H, W)."""
    if augment.kind == "resized-crop":
        areas, ratios = torch.rand((2, 10, count), generator=generator).tolist()
        downs, rights = torch.rand((2, count), generator=generator).tolist()
        flips = (torch.rand(count, generator=generator) < 0.5).tolist()
        return [
            Box(
                *box(size, [(areas[k][i], ratios[k][i]) for k in range(10)], downs[i], rights[i]),
                flipped=flips[i],
                side=augment.size,
            )
            for i in range(count)
        ]
    pad = augment.padding
    offsets = torch.randint(-pad, pad + 1, (count, 2), generator=generator).tolist()
    flips = (torch.rand(count, generator=generator) < 0.5).tolist()
    return [Window(down, right, flipped, pad) for (down, right), flipped in zip(offsets, flips, strict=True)]


def box(
    size: tuple[int, int], tries: list[tuple[float, float]], down: float, right: float, least: float = 0.08
) -> tuple[int, int, int, int]:
    """Return top, left, height and width from uniform numbers in [0, 1): the first try (area, ratio) that fits.

    The area is uniform from `least` to 1, the ratio log-uniform from 3/4 to 4/3. If no try fits, take the middle.
    """
    rows, columns = size
    for share, slant in tries:
        area = rows * columns * (least + (1 - least) * share)
        ratio = math.exp(math.log(3 / 4) + slant * (math.log(4 / 3) - math.log(3 / 4)))
        width, height = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < width <= columns and 0 < height <= rows:
            return math.floor(down * (rows - height + 1)), math.floor(right * (columns - width + 1)), height, width
    height, width = rows, columns
    if columns / rows < 3 / 4:
        height = round(columns / (3 / 4))
    elif columns / rows > 4 / 3:
        width = round(rows * (4 / 3))
    return (rows - height) // 2, (columns - width) // 2, height, width


def look_at_all(images: list[Tensor], augment: Augment, generator: torch.Generator) -> list[Tensor]:
    """Return one random view of each image."""
    height, width = images[0].shape[1:]
    places = draw_places(len(images), (height, width), augment, generator)
    return [place.look(image) for image, place in zip(images, places, strict=True)]
