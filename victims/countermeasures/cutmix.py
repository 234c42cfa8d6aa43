"""CutMix: a box of each training image is replaced by that of another, and labels are mixed by area.

Yun et al., "CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features", ICCV 2019,
algorithm 1: the box has a share 1 - lambda of the area, lambda ~ Beta(1, 1), which is uniform, and is centred on any
pixel; the part of the box beyond the image's edges counts for the image's own label, whose share is 0.70 on average.
APBench keeps the box inside (`cutmix-apbench`, share 0.52). Lambda and box are drawn per image and step, as in APBench;
the paper draws them once per batch. Partners are a permutation of the batch.
"""

from typing import TYPE_CHECKING

from attacks.spec import Paper
from victims.countermeasures.mixing import draw_centred_boxes, paste
from victims.countermeasures.spec import Countermeasure

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def cut_and_mix(
    images: "Tensor", labels: "Tensor", classes: int, generator: "torch.Generator"
) -> "tuple[Tensor, Tensor]":
    """Replace a box of each image (n, C, H, W); return the images and their label probabilities (n, classes)."""
    import torch

    count, _, height, width = images.shape
    partner = torch.randperm(count, generator=generator, device=generator.device)
    root = (1 - torch.rand(count, generator=generator, device=generator.device)).sqrt()
    half = torch.stack([(root * height).long() // 2, (root * width).long() // 2], 1)
    return paste(images, labels, partner, draw_centred_boxes(half, (height, width), generator), classes)


YUN19 = Paper(
    key="yun2019cutmix",
    title="CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features",
    authors=("Sangdoo Yun", "Dongyoon Han", "Seong Joon Oh", "Sanghyuk Chun", "Junsuk Choe", "Youngjoon Yoo"),
    year=2019,
    venue="ICCV 2019",
    identifier="arXiv:1905.04899",
    code="clovaai/CutMix-PyTorch",
)

CUTMIX = Countermeasure(
    name="cutmix",
    title="a box pasted from another image, possibly over the edge; labels mixed by area",
    paper=YUN19,
    source="Yun et al., ICCV 2019",
    mix=cut_and_mix,
)
