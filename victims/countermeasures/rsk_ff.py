"""RSK + FF: each training image is sharpened with a random kernel, and only its lowest frequencies are kept.

Kim and Sandoval-Segura, "Learning from Convolution-Based Unlearnable Datasets", AdvML-Frontiers workshop at NeurIPS
2024, designed against CUDA, with the hyperparameters of the released code. A 3x3 kernel is drawn for each image and
step and shared by the channels: its centre is c ~ N(2.5, 0.1), its four direct neighbours are each the negative of a
draw from N((c - 1) / 4, 0.1), its corners are zero. Then the lowest 30% of rows and columns of the discrete cosine
transform are kept. The image is clipped to [0, 1] after each of the two steps.

Differences from the released code: images are changed after the random crop and flip, there before; and they keep their
size, with edges mirrored as for our other filters, where there they lose a pixel on each side.
"""

import math
from typing import TYPE_CHECKING

from attacks.spec import Paper
from victims.countermeasures.filters import neighbours
from victims.countermeasures.spec import Countermeasure

if TYPE_CHECKING:
    import torch
    from torch import Tensor

CENTRE = 2.5
DEVIATION = 0.1
KEPT = 30  # percent


def change(images: "Tensor", generator: "torch.Generator") -> "Tensor":
    """Sharpen images (n, C, H, W) in [0, 1] and remove their high frequencies."""
    return low_frequencies(sharpen(images, draw_kernels(len(images), generator))).clamp_(0, 1)


def draw_kernels(count: int, generator: "torch.Generator") -> "Tensor":
    """Draw the weights (5, count) of the centre and of its neighbours above, left, right and below."""
    import torch

    drawn = DEVIATION * torch.randn(5, count, generator=generator, device=generator.device, dtype=torch.float64)
    centre = CENTRE + drawn[:1]
    return torch.cat([centre, -((centre - 1) / 4 + drawn[1:])])


def sharpen(images: "Tensor", kernels: "Tensor") -> "Tensor":
    """Convolve images (n, C, H, W) with kernels (5, n) from `draw_kernels`, and clip to [0, 1]."""
    weights = dict(zip(((0, 0), (-1, 0), (0, -1), (0, 1), (1, 0)), kernels.to(images.dtype), strict=True))
    weighted = [
        weights[dy, dx][:, None, None, None] * near
        for dy, dx, near in neighbours(images, 1, "reflect")
        if (dy, dx) in weights
    ]
    return sum(weighted, images.new_zeros(())).clamp_(0, 1)


def low_frequencies(images: "Tensor") -> "Tensor":
    """Keep the lowest rows and columns of the cosine transform of images (n, C, H, W)."""
    height, width = images.shape[2:]
    return _low_pass(height, images) @ images @ _low_pass(width, images)


def _low_pass(size: int, like: "Tensor") -> "Tensor":
    """Return the projection (size, size) onto the lowest frequencies of an axis."""
    import torch

    place = torch.arange(size, dtype=torch.float64, device=like.device)
    frequency = place[: size * KEPT // 100, None]
    waves = (math.pi / size * (place + 0.5) * frequency).cos() * (2 / size) ** 0.5
    waves[:1] /= 2**0.5
    projection: Tensor = waves.T @ waves
    return projection.to(like.dtype)


KIM24 = Paper(
    key="kim2024learning",
    title="Learning from Convolution-based Unlearnable Datasets",
    authors=("Dohyun Kim", "Pedro Sandoval-Segura"),
    year=2024,
    venue="AdvML-Frontiers at NeurIPS 2024",
    identifier="arXiv:2411.01742",
    code="aseriesof-tubes/RSK",
)

RSK_FF = Countermeasure(
    name="rsk-ff",
    title="random 3x3 sharpening, then the lowest 30% of DCT rows and columns (RSK + FF)",
    paper=KIM24,
    source="Kim and Sandoval-Segura, AdvML-Frontiers at NeurIPS 2024",
    augment=change,
)
