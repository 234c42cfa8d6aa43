"""Cutout: one square of each training image is erased.

DeVries and Taylor, "Improved Regularization of Convolutional Neural Networks with Cutout", 2017. The side is 16 at 32
pixels, as in the released code of ISS (Liu et al., ICML 2023) and of APBench; here it is half the image's side at any
size. The square is black and centred on any pixel, so that it may extend beyond the edge.
"""

from typing import TYPE_CHECKING

from attacks.spec import Paper
from victims.countermeasures.mixing import draw_centred_boxes
from victims.countermeasures.spec import Countermeasure

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def erase(images: "Tensor", generator: "torch.Generator") -> "Tensor":
    """Erase a square of half the side from each image (n, C, H, W)."""
    import torch

    height, width = images.shape[2:]
    half = torch.stack([images.new_full((len(images),), side // 4, dtype=torch.int64) for side in (height, width)], 1)
    return images.masked_fill(draw_centred_boxes(half, (height, width), generator), 0)


DEVRIES17 = Paper(
    key="devries2017improved",
    title="Improved Regularization of Convolutional Neural Networks with Cutout",
    authors=("Terrance DeVries", "Graham W. Taylor"),
    year=2017,
    venue="arXiv preprint",
    identifier="arXiv:1708.04552",
    code="uoguelph-mlrg/Cutout",
    kind="misc",
)

CUTOUT = Countermeasure(
    name="cutout",
    title="a black square of half the image side",
    paper=DEVRIES17,
    source="DeVries and Taylor, 2017",
    augment=erase,
)
