"""Bit-depth reduction (BDR) to 2 bits: only the two highest bits of each value are kept.

Xu, Evans and Qi, "Feature Squeezing", NDSS 2018, in the form and at the depth of the released code of ISS (Liu et al.,
ICML 2023) and of APBench: the lower bits of the protected image are cleared before augmentation. Test images are
unchanged.
"""

from typing import TYPE_CHECKING

from victims.countermeasures.jpeg import LIU23
from victims.countermeasures.spec import Countermeasure, stateless

if TYPE_CHECKING:
    from torch import Tensor

KEPT = 0b1100_0000


def clear(images: "Tensor") -> "Tensor":
    """Clear the lower six bits of uint8 images (N, C, H, W)."""
    return images & KEPT


BIT_DEPTH_2 = Countermeasure(
    name="bit-depth-2",
    title="bit depth reduced to 2 (BDR)",
    paper=LIU23,
    source="ISS, Liu et al., ICML 2023",
    prepare=stateless(clear),
)
