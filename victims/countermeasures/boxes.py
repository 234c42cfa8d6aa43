"""Random boxes, one per image, that Cutout erases and CutMix replaces."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def draw_boxes(half: "Tensor", size: tuple[int, int], generator: "torch.Generator") -> "Tensor":
    """Draw a box around a uniformly drawn pixel of each image, cut off at the image's edges.

    Args:
        half: int64 (n, 2), half the height and half the width of each box.
        size: (H, W) of the images.
        generator: where the centres come from.

    Returns:
        Whether a pixel is in its image's box, bool (n, 1, H, W).
    """
    import torch

    sides: list[Tensor] = []
    for side, reach in zip(size, half.T, strict=True):
        centre = torch.randint(side, (len(half), 1), generator=generator, device=generator.device)
        offset = torch.arange(side, device=generator.device) - centre
        sides.append((offset >= -reach[:, None]) & (offset < reach[:, None]))
    rows, columns = sides
    return rows[:, None, :, None].logical_and(columns[:, None, None, :])
