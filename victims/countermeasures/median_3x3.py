"""The median of each pixel's 3x3 neighbourhood, channel by channel.

A low-pass filter of REM's evaluation (Fu et al., ICLR 2022), on the protected image before augmentation; edges are as
in OpenCV's `medianBlur`, which gives the same result.
"""

from typing import TYPE_CHECKING

from attacks.methods.rem_fu22 import FU22
from victims.countermeasures.filters import neighbours, rounding
from victims.countermeasures.spec import Countermeasure, stateless

if TYPE_CHECKING:
    from torch import Tensor


def median(images: "Tensor") -> "Tensor":
    """Filter images (n, C, H, W), floats in [0, 255]."""
    import torch

    return torch.stack([near for _, _, near in neighbours(images, 1, "replicate")]).median(0).values


MEDIAN_3X3 = Countermeasure(
    name="median-3x3",
    title="3x3 median filter",
    paper=FU22,
    source="low-pass filters, Fu et al., ICLR 2022",
    prepare=stateless(rounding(median)),
)
