"""Shared by the filters of 8-bit images: the neighbours of each pixel, and rounding."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor


def rounding(smooth: "Callable[[Tensor], Tensor]") -> "Callable[[Tensor], Tensor]":
    """Turn a filter of floats in [0, 255] into one of uint8 images that rounds halves up."""

    def change(images: "Tensor") -> "Tensor":
        import torch

        return smooth(images.float()).add_(0.5).clamp_(0, 255).to(torch.uint8)

    return change


def neighbours(
    images: "Tensor", radius: int, edge: Literal["reflect", "replicate"]
) -> "Iterator[tuple[int, int, Tensor]]":
    """Yield (dy, dx, images shifted so that each pixel shows its neighbour there), for |dy| and |dx| up to `radius`.

    Beyond the edge an image is mirrored about its outermost pixels (`reflect`), or these are repeated (`replicate`).
    """
    from torch.nn import functional

    height, width = images.shape[2:]
    padded = functional.pad(images, (radius,) * 4, mode=edge)
    for top in range(2 * radius + 1):
        for left in range(2 * radius + 1):
            yield top - radius, left - radius, padded[:, :, top : top + height, left : left + width]
