"""Random views `T` of a batch, each with its hand-written adjoint.

A view is drawn per image, applied to the whole batch at once, and propagates gradients back with `adjoint`, for which
`<T x, y> = <x, T' y>` holds. Neither builds an autograd graph nor waits for the device.
"""

import math
from typing import Protocol

import torch
from torch import Tensor

from attacks.core.settings import Augment

LEAST_AREA, LARGEST_RATIO = 0.08, 4 / 3  # of a box; as in torchvision's RandomResizedCrop, like the tries
TRIES = 10


class View(Protocol):
    """One drawn view of a batch of `n` images."""

    def apply(self, images: Tensor) -> Tensor:
        """Return the views of `images` (n, C, H, W)."""

    def adjoint(self, gradient: Tensor) -> Tensor:
        """Return the gradient at the images from that at their views."""


class Same:
    """The view that is the image itself."""

    def apply(self, images: Tensor) -> Tensor:
        """Return the images unchanged."""
        return images

    def adjoint(self, gradient: Tensor) -> Tensor:
        """Return the gradient unchanged."""
        return gradient


class Shift:
    """Horizontal flip, then a crop of the zero-padded image at the image's own size, as one gather.

    Args:
        shift: (n, 2) integers in [-padding, padding]: view pixel (i, j) shows flipped-image pixel (i + dy, j + dx).
        flip: (n,) booleans.
        size: (H, W).
    """

    def __init__(self, shift: Tensor, flip: Tensor, size: tuple[int, int]) -> None:
        height, width = size
        rows = torch.arange(height, device=shift.device)
        columns = torch.arange(width, device=shift.device)
        dy, dx, flip = shift[:, :1], shift[:, 1:], flip[:, None]
        seen = columns + dx
        self._forward = _Gather(rows + dy, torch.where(flip, width - 1 - seen, seen), size)
        self._backward = _Gather(rows - dy, torch.where(flip, width - 1 - columns, columns) - dx, size)

    def apply(self, images: Tensor) -> Tensor:
        """Return the views of `images` (n, C, H, W), zero outside the image."""
        return self._forward(images)

    def adjoint(self, gradient: Tensor) -> Tensor:
        """Return the gradient at the images: the reverse gather, zero for pixels that the view does not show."""
        return self._backward(gradient)


class _Gather:
    """Take pixel (row[n, i], column[n, j]) of image n, or zero if it lies outside."""

    def __init__(self, row: Tensor, column: Tensor, size: tuple[int, int]) -> None:
        height, width = size
        count = len(row)
        inside = ((row >= 0) & (row < height))[:, :, None] & ((column >= 0) & (column < width))[:, None, :]
        start = torch.arange(count, device=row.device)[:, None, None] * (height * width)
        pixel = row.clamp(0, height - 1)[:, :, None] * width + column.clamp(0, width - 1)[:, None, :]
        self._index = (start + pixel).flatten()
        self._inside = inside.flatten()[:, None]

    def __call__(self, images: Tensor) -> Tensor:
        count, channels, height, width = images.shape
        pixels = images.permute(0, 2, 3, 1).reshape(-1, channels)
        taken = pixels.index_select(0, self._index).mul_(self._inside)
        return taken.view(count, height, width, channels).permute(0, 3, 1, 2)


class ResizedCrop:
    """A box of whole pixels of each image, resized bilinearly to one size as in torchvision, then flipped.

    One matrix resizes the rows and one the columns. Pixels outside the box are never read.

    Args:
        box: (4, n) whole numbers: top, left, height and width.
        flip: (n,) booleans.
        size: (H, W) of the images.
        side: side of the square views.
        antialias: when a box is shrunk, weight all pixels covered by one of the view, as Pillow does (apart from its
            rounding to 8 bits); otherwise only the nearest two.
        corners: align the centres of the outermost pixels of view and box (PyTorch's `align_corners`) instead of their
            outer edges.
    """

    def __init__(
        self,
        box: Tensor,
        flip: Tensor,
        size: tuple[int, int],
        side: int,
        *,
        antialias: bool = False,
        corners: bool = False,
    ) -> None:
        top, left, height, width = box
        never = torch.zeros_like(flip)
        self._ways = ((top, height, never, size[0]), (left, width, flip, size[1]))
        self._side, self._antialias, self._corners = side, antialias, corners
        self._made: dict[torch.dtype, list[Tensor]] = {}

    def apply(self, images: Tensor) -> Tensor:
        """Return the views of `images` (n, C, H, W): (n, C, side, side)."""
        rows, columns = self._matrices(images.dtype)
        return (rows @ images @ columns.mT).contiguous(memory_format=torch.channels_last)

    def adjoint(self, gradient: Tensor) -> Tensor:
        """Return the gradient of the images: the transposed matrices."""
        rows, columns = self._matrices(gradient.dtype)
        return (rows.mT @ gradient @ columns).contiguous(memory_format=torch.channels_last)

    def _matrices(self, dtype: torch.dtype) -> list[Tensor]:
        if dtype not in self._made:
            self._made[dtype] = [
                resizing_matrices(
                    start.to(dtype),
                    length.to(dtype),
                    flip,
                    size,
                    self._side,
                    antialias=self._antialias,
                    corners=self._corners,
                )
                for start, length, flip, size in self._ways
            ]
        return self._made[dtype]


class Drift:
    """Horizontal flip, then a subpixel shift, bilinear and zero outside the image.

    Args:
        shift: (n, 2) numbers: view pixel (i, j) shows flipped-image position (i + down, j + right).
        flip: (n,) booleans.
        size: (H, W).
    """

    def __init__(self, shift: Tensor, flip: Tensor, size: tuple[int, int]) -> None:
        never = torch.zeros_like(flip)
        self._rows, self._columns = (
            _moving(move, mirrored, side) for move, mirrored, side in zip(shift.T, (never, flip), size, strict=True)
        )

    def apply(self, images: Tensor) -> Tensor:
        """Return the views of `images` (n, C, H, W)."""
        rows, columns = self._rows.to(images.dtype), self._columns.to(images.dtype)
        return (rows @ images @ columns.mT).contiguous(memory_format=torch.channels_last)

    def adjoint(self, gradient: Tensor) -> Tensor:
        """Return the gradient of the images: the transposed matrices."""
        rows, columns = self._rows.to(gradient.dtype), self._columns.to(gradient.dtype)
        return (rows.mT @ gradient @ columns).contiguous(memory_format=torch.channels_last)


def _moving(shift: Tensor, flip: Tensor, side: int) -> Tensor:
    """Return (n, 1, side, side): the weight of each image pixel along one side in each view pixel."""
    pixel = torch.arange(side, device=shift.device)
    seen = pixel + shift[:, None]
    seen = torch.where(flip[:, None], side - 1 - seen, seen)
    return (1 - (seen[:, :, None] - pixel).abs_()).clamp_(min=0)[:, None]


def draw_drift(share: float, count: int, size: tuple[int, int], generator: torch.Generator) -> Drift:
    """Draw a shift by up to a `share` of each side, and a flip, for each of `count` images of `size` (H, W)."""
    right, down, flip = torch.rand((count, 3), generator=generator, device=generator.device).double().T
    shift = torch.stack([(2 * down - 1) * share * size[0], (2 * right - 1) * share * size[1]], 1)
    return Drift(shift, flip > 0.5, size)


def resizing_matrices(
    start: Tensor, length: Tensor, flip: Tensor, size: int, side: int, *, antialias: bool, corners: bool
) -> Tensor:
    """Return (n, 1, side, size): the weight of each of `size` image pixels in each of the `side` pixels of a view.

    The view shows `length` pixels from `start`; weights fall linearly with the distance of centres.

    Args:
        start, length: (n,), of the view in image pixels.
        flip: (n,) booleans, whether the view is mirrored.
        size: pixels of the image along one side.
        side: pixels of the view.
        antialias, corners: as for `ResizedCrop`.
    """
    start, length, flip = start[:, None], length[:, None], flip[:, None]
    step = length / side
    seen = torch.arange(side, device=start.device)  # centres, measured from `start`:
    seen = seen * ((length - 1) / max(1, side - 1)) + 0.5 if corners else (seen + 0.5) * step
    seen = torch.where(flip, length - seen, seen)[:, :, None]
    pixel = (torch.arange(size, device=start.device) + 0.5 - start)[:, None]
    reach = step[:, :, None].clamp(min=1) if antialias else torch.ones_like(step)[:, :, None]
    inside = (pixel > 0) & (pixel < length[:, :, None])
    weight = (1 - (seen - pixel).abs_().div_(reach)).clamp_(min=0).mul_(inside)
    return weight.div_(weight.sum(2, keepdim=True))[:, None]


def draw(augment: Augment, count: int, size: tuple[int, int], generator: torch.Generator) -> View:
    """Draw a view for each of `count` images of `size` (H, W)."""
    if augment.kind == "shift":
        return _draw_shift(augment, count, size, generator)
    return _draw_resized_crop(augment, count, size, generator)


def _draw_shift(augment: Augment, count: int, size: tuple[int, int], generator: torch.Generator) -> Shift:
    device, pad = generator.device, augment.padding
    shift = torch.randint(-pad, pad + 1, (count, 2), generator=generator, device=device)
    return Shift(shift, _draw_flip(augment, count, generator), size)


def _draw_flip(augment: Augment, count: int, generator: torch.Generator) -> Tensor:
    flip = draw_flips(count, generator)
    return flip if augment.flip else torch.zeros_like(flip)


def draw_flips(count: int, generator: torch.Generator) -> Tensor:
    """Draw (n,) booleans, true with probability 1/2."""
    return torch.rand(count, generator=generator, device=generator.device) < 0.5


def _draw_resized_crop(augment: Augment, count: int, size: tuple[int, int], generator: torch.Generator) -> ResizedCrop:
    box = draw_boxes(count, size, generator, LEAST_AREA)
    flip = _draw_flip(augment, count, generator)
    return ResizedCrop(box, flip, size, augment.size or size[0], antialias=bool(augment.antialias))


def draw_boxes(count: int, size: tuple[int, int], generator: torch.Generator, least: float) -> Tensor:
    """Draw (4, n) boxes: top, left, height and width.

    As in torchvision's RandomResizedCrop, each is the first of ten draws, with an area of at least a share `least` of
    the image and a log-uniform aspect ratio of 3/4 to 4/3, that fits into the image; if none fits, it is the centre.
    """
    device = generator.device
    share, slant = torch.rand((2, TRIES, count), generator=generator, device=device).double()
    down, right = torch.rand((2, count), generator=generator, device=device).double()
    area = (least + (1 - least) * share) * size[0] * size[1]
    ratio = ((2 * slant - 1) * math.log(LARGEST_RATIO)).exp()
    tried = [(area / ratio).sqrt_().round_(), (area * ratio).sqrt_().round_()]  # heights and widths
    fits = [(sides >= 1) & (sides <= most) for sides, most in zip(tried, size, strict=True)]
    fitting = fits[0] & fits[1]
    first, found = fitting.int().argmax(0, keepdim=True), fitting.any(0)
    starts, lengths = [], []
    for sides, middle, most, place in zip(tried, _middle(size), size, (down, right), strict=True):
        length = torch.where(found, sides.gather(0, first)[0], middle)
        free = most - length
        starts.append(torch.where(found, (place * (free + 1)).floor_(), (free / 2).floor_()))
        lengths.append(length)
    return torch.stack([*starts, *lengths]).int()


def _middle(size: tuple[int, int]) -> tuple[int, int]:
    """Return the height and width of the largest central box with an allowed aspect ratio."""
    height, width = size
    return min(height, round(width * LARGEST_RATIO)), min(width, round(height * LARGEST_RATIO))


def centre(images: Tensor, augment: Augment) -> Tensor:
    """Crop the centre of images that networks see in evaluation: `augment.size` if set, else the whole image."""
    side = augment.size
    if side is None:
        return images
    top, left = (images.shape[2] - side) // 2, (images.shape[3] - side) // 2
    return images[:, :, top : top + side, left : left + side]
