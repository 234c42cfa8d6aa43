"""Bit-depth reduction (BDR) to 2 bits: of each value the two highest bits are kept.

Xu, Evans and Qi, "Feature Squeezing", NDSS 2018, in the form and with the number of the released code of ISS (Liu et
al., ICML 2023) and of APBench: the lower bits are cleared, on the protected image before augmentation. Test images stay
as they are.
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
