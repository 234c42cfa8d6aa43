"""Mixup: each training image is blended with another, and so are their labels.

Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018, equation 1, with lambda ~ Beta(1, 1), which is
uniform. Lambda is drawn per image and step, as in APBench; the paper's code draws it once per batch. Partners are a
permutation of the batch.
"""

from typing import TYPE_CHECKING

from attacks.spec import Paper
from victims.countermeasures.mixing import mix_labels
from victims.countermeasures.spec import Countermeasure

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def blend(images: "Tensor", labels: "Tensor", classes: int, generator: "torch.Generator") -> "tuple[Tensor, Tensor]":
    """Blend images (n, C, H, W) in pairs; return them and their label probabilities (n, classes)."""
    import torch

    count = len(images)
    partner = torch.randperm(count, generator=generator, device=generator.device)
    share = torch.rand(count, generator=generator, device=generator.device).to(images.dtype)
    own = share[:, None, None, None]
    return own * images + (1 - own) * images[partner], mix_labels(labels, partner, share, classes)


ZHANG18 = Paper(
    key="zhang2018mixup",
    title="mixup: Beyond Empirical Risk Minimization",
    authors=("Hongyi Zhang", "Moustapha Cisse", "Yann N. Dauphin", "David Lopez-Paz"),
    year=2018,
    venue="ICLR 2018",
    identifier="arXiv:1710.09412",
    code="facebookresearch/mixup-cifar10",
)

MIXUP = Countermeasure(
    name="mixup",
    title="each image and its label blended with another's",
    paper=ZHANG18,
    source="Zhang et al., ICLR 2018",
    mix=blend,
)
