"""Shared by Cutout, CutMix and Mixup: random boxes, one per image, and the labels of mixed images."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def draw_centred_boxes(half: "Tensor", size: tuple[int, int], generator: "torch.Generator") -> "Tensor":
    """Draw a box around a uniformly drawn pixel of each image, cut off at the image's edges.

    Args:
        half: int64 (n, 2), half the height and half the width of each box.
        size: (H, W) of the images.
        generator: the source of the centres.

    Returns:
        Whether a pixel is in its image's box, bool (n, 1, H, W).
    """
    import torch

    starts = []
    for side, reach in zip(size, half.T, strict=True):
        centre = torch.randint(side, (len(half), 1), generator=generator, device=generator.device)
        starts.append(centre[:, 0] - reach)
    return _boxes(torch.stack(starts, 1), 2 * half, size)


def draw_boxes_inside(sides: "Tensor", size: tuple[int, int], generator: "torch.Generator") -> "Tensor":
    """Place a box in each image, all at one random share of the way from the first position to the last but one.

    Args:
        sides: int64 (n, 2), height and width of each box.
        size: (H, W) of the images.
        generator: the source of the two shares, for rows and columns.

    Returns:
        Whether a pixel is in its image's box, bool (n, 1, H, W).
    """
    import torch

    share = torch.rand(2, generator=generator, device=generator.device)
    starts = [place * (side - length - 1) for place, side, length in zip(share, size, sides.T, strict=True)]
    return _boxes(torch.stack(starts, 1).clamp_(min=0).long(), sides, size)


def _boxes(start: "Tensor", sides: "Tensor", size: tuple[int, int]) -> "Tensor":
    """Return which pixels of images of `size` are in boxes with first pixels `start` and `sides`, (n, 2) each."""
    import torch

    pairs: list[Tensor] = []
    for side, first, length in zip(size, start.T, sides.T, strict=True):
        offset = torch.arange(side, device=start.device) - first[:, None]
        pairs.append((offset >= 0) & (offset < length[:, None]))
    rows, columns = pairs
    return rows[:, None, :, None].logical_and(columns[:, None, None, :])


def paste(
    images: "Tensor", labels: "Tensor", partner: "Tensor", box: "Tensor", classes: int
) -> "tuple[Tensor, Tensor]":
    """Paste boxes of the partners (n,) into images; return these and label probabilities (n, classes) by area."""
    import torch

    kept = 1 - box.to(images.dtype).mean((1, 2, 3))
    return torch.where(box, images[partner], images), mix_labels(labels, partner, kept, classes)


def mix_labels(labels: "Tensor", partner: "Tensor", share: "Tensor", classes: int) -> "Tensor":
    """Return probabilities (n, classes): `share` (n,) for an image's own label, the rest for its partner's."""
    from torch.nn import functional

    certain = functional.one_hot(labels, classes).to(share.dtype)
    return share[:, None] * certain + (1 - share[:, None]) * certain[partner]
