"""Random views `T` of a batch, each with its hand-written adjoint.

A view is drawn per image, applied to the whole batch at once, and pushes gradients back with `adjoint`, for which
`<T x, y> = <x, T' y>` holds. Neither builds an autograd graph nor waits for the device.
"""

from typing import Protocol

import torch
from torch import Tensor

from attacks.settings import Augment


class View(Protocol):
    """One drawn view of a batch of `n` images."""

    def apply(self, images: Tensor) -> Tensor:
        """Return the views of `images` (n, C, H, W)."""

    def adjoint(self, gradient: Tensor) -> Tensor:
        """Return the gradient of the images from that of their views."""


class Same:
    """The view that is the image itself."""

    def apply(self, images: Tensor) -> Tensor:
        """Return the images."""
        return images

    def adjoint(self, gradient: Tensor) -> Tensor:
        """Return the gradient."""
        return gradient


class Shift:
    """Horizontal flip, then a crop at the image's own size out of its zero-padded self, as one gather.

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
        """Return the gradient of the images: the opposite gather, zero where a pixel is in no view."""
        return self._backward(gradient)


class _Gather:
    """Take pixel (row[n, i], column[n, j]) of image n, or zero where that lies outside."""

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
    """A random box of each image, resized bilinearly to one size: one matrix for the rows, one for the columns.

    Args:
        theta: (n, 2, 3) maps from view to image coordinates in [-1, 1], each a scale and a shift per axis.
        size: (H, W) of the images.
        side: side of the square views.
    """

    def __init__(self, theta: Tensor, size: tuple[int, int], side: int) -> None:
        self._rows = _bilinear(theta[:, 1, 1], theta[:, 1, 2], size[0], side)
        self._columns = _bilinear(theta[:, 0, 0], theta[:, 0, 2], size[1], side)

    def apply(self, images: Tensor) -> Tensor:
        """Return the views of `images` (n, C, H, W): (n, C, side, side)."""
        rows, columns = self._rows.to(images.dtype), self._columns.to(images.dtype)
        return (rows @ images @ columns.mT).contiguous(memory_format=torch.channels_last)

    def adjoint(self, gradient: Tensor) -> Tensor:
        """Return the gradient of the images: the transposed matrices."""
        rows, columns = self._rows.to(gradient.dtype), self._columns.to(gradient.dtype)
        return (rows.mT @ gradient @ columns).contiguous(memory_format=torch.channels_last)


def _bilinear(scale: Tensor, shift: Tensor, size: int, side: int) -> Tensor:
    """Return (n, 1, side, size): what each of `size` pixels adds to each of `side`; beyond the edge the last counts."""
    seen = (2 * torch.arange(side, device=scale.device, dtype=scale.dtype) + 1) / side - 1  # pixel centres in [-1, 1]
    at = ((scale[:, None] * seen + shift[:, None] + 1) * size - 1) / 2
    distance = at.clamp(0, size - 1)[:, :, None] - torch.arange(size, device=scale.device)
    return (1 - distance.abs()).clamp_(min=0)[:, None]


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
    flip = torch.rand(count, generator=generator, device=generator.device) < 0.5
    return flip if augment.flip else torch.zeros_like(flip)


def _draw_resized_crop(augment: Augment, count: int, size: tuple[int, int], generator: torch.Generator) -> ResizedCrop:
    """Draw area 8 to 100% and log-uniform ratio 3/4 to 4/3 of each box, clipped to the image."""
    device = generator.device
    area, ratio, top, left = torch.rand((4, count), generator=generator, device=device)
    ratio = torch.exp((ratio * 2 - 1) * torch.log(torch.full((), 4 / 3, device=device)))
    root = (0.08 + 0.92 * area).sqrt()
    width, height = (root * ratio.sqrt()).clamp(max=1), (root / ratio.sqrt()).clamp(max=1)
    flip = _draw_flip(augment, count, generator)
    theta = torch.zeros(count, 2, 3, device=device)
    theta[:, 0, 0] = torch.where(flip, -width, width)
    theta[:, 1, 1] = height
    theta[:, 0, 2] = (1 - width) * (2 * left - 1)
    theta[:, 1, 2] = (1 - height) * (2 * top - 1)
    return ResizedCrop(theta, size, augment.size or size[0])


def centre(images: Tensor, augment: Augment) -> Tensor:
    """Cut the centre that networks see of test images: `augment.size` where it is set, else the whole image."""
    side = augment.size
    if side is None:
        return images
    top, left = (images.shape[2] - side) // 2, (images.shape[3] - side) // 2
    return images[:, :, top : top + side, left : left + side]
