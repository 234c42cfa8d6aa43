"""Bilateral filter: a mean of neighbours, weighted by closeness in position and in colour.

Tomasi and Manduchi, "Bilateral Filtering for Gray and Color Images", ICCV 1998, with the parameters of REM's evaluation
(Fu et al., ICLR 2022): diameter 9 and standard deviations of 75 in colour (1/255) and position (pixels), on the
protected image before augmentation. Neighbourhood (a disc), colour distance (sum over channels) and edges are those of
OpenCV's `bilateralFilter`; only the rounding differs.
"""

import math
from typing import TYPE_CHECKING

from attacks.methods.rem_fu22 import FU22
from victims.countermeasures.filters import neighbours, rounding
from victims.countermeasures.spec import Countermeasure, stateless

if TYPE_CHECKING:
    from torch import Tensor

RADIUS = 4
DEVIATION = 75.0


def smooth(images: "Tensor") -> "Tensor":
    """Filter images (n, C, H, W), floats in [0, 255]."""
    total, weights = images.new_zeros(()), images.new_zeros(())
    for dy, dx, near in neighbours(images, RADIUS, "reflect"):
        if math.hypot(dy, dx) <= RADIUS:
            colour = (near - images).abs().sum(1, keepdim=True)
            weight = ((colour**2 + dy**2 + dx**2) / (-2 * DEVIATION**2)).exp()
            total, weights = total + weight * near, weights + weight
    return total / weights


BILATERAL = Countermeasure(
    name="bilateral",
    title="bilateral filter 9, 75, 75",
    paper=FU22,
    source="low-pass filters, Fu et al., ICLR 2022",
    prepare=stateless(rounding(smooth)),
)
