"""Greyscale: each channel is replaced by the image's luma.

Image Shortcut Squeezing (ISS), Liu et al., ICML 2023; the luma is Pillow's (ITU-R 601-2), as in the released code. The
test images are grey too, as in the results of CUDA's paper (Sadasivan et al., CVPR 2023), since a trainer who learns
from grey images would also classify grey ones; by default the released code of ISS and of APBench leaves test images in
colour.
"""

from typing import TYPE_CHECKING

from victims.countermeasures.jpeg import LIU23
from victims.countermeasures.spec import Countermeasure, stateless

if TYPE_CHECKING:
    from torch import Tensor


def drain(images: "Tensor") -> "Tensor":
    """Return the luma of uint8 images (N, 3, H, W) in three equal channels; grey images (N, 1, H, W) are unchanged."""
    import torch

    if images.shape[1] == 1:
        return images
    red, green, blue = (images[:, channel].int() for channel in range(3))
    luma = (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16
    return luma.to(torch.uint8)[:, None].repeat(1, 3, 1, 1)


GRAYSCALE = Countermeasure(
    name="grayscale",
    title="greyscale images, in training and test",
    paper=LIU23,
    source="ISS, Liu et al., ICML 2023",
    prepare=stateless(drain, on_test=True),
)
