"""Each training view is turned grey with probability 0.4 and gets Gaussian noise of standard deviation 0.05.

The second half of ECLIPSE (Wang et al., ESORICS 2024), which there follows purification by a diffusion model; no
published result is for this half alone, and the name is ours. The hyperparameters are those of the released code.
Greyscale and noise are drawn anew for each random view. Noisy images are clipped to [0, 1]; unlike in the released
code, they are not truncated to 8 bits.
"""

from typing import TYPE_CHECKING

from attacks.spec import Paper
from victims.countermeasures.spec import Countermeasure

if TYPE_CHECKING:
    import torch
    from torch import Tensor

GREY = 0.4
DEVIATION = 0.05


def disturb(images: "Tensor", generator: "torch.Generator") -> "Tensor":
    """Turn some of the images (n, C, H, W) in [0, 1] grey, and add noise to all."""
    import torch

    from attacks.engine.contrastive import luminance

    grey = torch.rand(len(images), 1, 1, 1, generator=generator, device=generator.device) < GREY
    seen = torch.where(grey, luminance(images), images)
    return (seen + DEVIATION * torch.empty_like(seen).normal_(generator=generator)).clamp_(0, 1)


WANG24_ECLIPSE = Paper(
    key="wang2024eclipse",
    title="ECLIPSE: Expunging Clean-Label Indiscriminate Poisons via Sparse Diffusion Purification",
    authors=(
        "Xianlong Wang",
        "Shengshan Hu",
        "Yechao Zhang",
        "Ziqi Zhou",
        "Leo Yu Zhang",
        "Peng Xu",
        "Wei Wan",
        "Hai Jin",
    ),
    year=2024,
    venue="ESORICS 2024",
    identifier="arXiv:2406.15093",
    code="CGCL-codes/ECLIPSE",
)

GRAYSCALE_NOISE = Countermeasure(
    name="grayscale-noise",
    title="greyscale with probability 0.4, then Gaussian noise of deviation 0.05",
    paper=WANG24_ECLIPSE,
    source="second half of ECLIPSE, Wang et al., ESORICS 2024",
    augment=disturb,
)
