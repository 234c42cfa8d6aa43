"""3x3 Gaussian blur.

A low-pass filter of REM's evaluation (Fu et al., ICLR 2022), on the protected image before augmentation: weights 1/4,
1/2, 1/4 along each axis, and edges as in OpenCV's `GaussianBlur` at this size, which gives the same result. The blur
that ISS and APBench report is not comparable: its standard deviation of 0.1 pixels leaves an 8-bit image unchanged.
"""

from typing import TYPE_CHECKING

from attacks.methods.rem_fu22 import FU22
from victims.countermeasures.filters import neighbours, rounding
from victims.countermeasures.spec import Countermeasure, stateless

if TYPE_CHECKING:
    from torch import Tensor


def blur(images: "Tensor") -> "Tensor":
    """Filter images (n, C, H, W), floats in [0, 255]."""
    weighted = (near * (2 - abs(dy)) * (2 - abs(dx)) for dy, dx, near in neighbours(images, 1, "reflect"))
    return sum(weighted, images.new_zeros(())) / 16


GAUSSIAN_BLUR = Countermeasure(
    name="gaussian-blur",
    title="3x3 Gaussian blur",
    paper=FU22,
    source="low-pass filters, Fu et al., ICLR 2022",
    prepare=stateless(rounding(blur)),
)
