"""CutMix as in APBench: the box always lies inside the image.

Qin et al., "APBench: A Unified Benchmark for Availability Poisoning Attacks and Defenses", 2023, which uses kornia's
RandomCutMixV2 (the rules here are those of version 0.6.12). Lambda is uniform and drawn per image; the box has sides
floor(sqrt(1 - lambda) * side) and begins at floor(u * (side - its side - 1)), where u is drawn once for the rows and
once for the columns of the whole batch. The image's own label keeps a share of 0.52 on average at 32 pixels. In the
CutMix paper (`cutmix`) the box is centred on any pixel and cut off at the edges, which leaves 0.70. Partners are a
permutation of the batch, and labels are mixed by area.
"""

from typing import TYPE_CHECKING

from victims.countermeasures.cutmix import YUN19
from victims.countermeasures.mixing import draw_boxes_inside, paste
from victims.countermeasures.spec import Countermeasure

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def cut_and_mix_inside(
    images: "Tensor", labels: "Tensor", classes: int, generator: "torch.Generator"
) -> "tuple[Tensor, Tensor]":
    """Replace a box of each image (n, C, H, W); return the images and their label probabilities (n, classes)."""
    import torch

    count, _, height, width = images.shape
    partner = torch.randperm(count, generator=generator, device=generator.device)
    root = (1 - torch.rand(count, generator=generator, device=generator.device)).sqrt()
    sides = torch.stack([(root * height).long(), (root * width).long()], 1)
    return paste(images, labels, partner, draw_boxes_inside(sides, (height, width), generator), classes)


CUTMIX_APBENCH = Countermeasure(
    name="cutmix-apbench",
    title="a box pasted from another image, never over the edge; labels mixed by area",
    paper=YUN19,
    source="Yun et al., ICCV 2019, as in APBench (Qin et al., 2023)",
    mix=cut_and_mix_inside,
)
