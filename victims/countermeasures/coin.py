"""COIN: each pixel of a training image is read from a random position nearby.

Li, Wang et al., "Detecting and Corrupting Convolution-based Unlearnable Examples", AAAI 2025, designed against CUDA,
with the hyperparameters of the released code, alpha = 2 (its severity 4): positions are shifted by U(-alpha, alpha)
along each axis, drawn for each pixel of each random view and shared by the channels, and read bilinearly. Beyond an
edge the image continues from the opposite edge, whose outermost pixel coincides with that of this edge (`wrap` of
SciPy's `map_coordinates`). Unlike in the released code, the result is not truncated to 8 bits.
"""

from typing import TYPE_CHECKING

from attacks.spec import Paper
from victims.countermeasures.spec import Countermeasure

if TYPE_CHECKING:
    import torch
    from torch import Tensor

ALPHA = 2.0


def displace(images: "Tensor", generator: "torch.Generator") -> "Tensor":
    """Displace each pixel of images (n, C, H, W)."""
    import torch

    count, _, height, width = images.shape
    shift = torch.rand(2, count, height, width, generator=generator, device=generator.device).to(images.dtype)
    rows, columns = ALPHA * (2 * shift - 1)
    rows = _wrapped(rows + torch.arange(height, device=images.device)[:, None], height)
    columns = _wrapped(columns + torch.arange(width, device=images.device), width)
    return sample_bilinear(images, rows, columns)


def sample_bilinear(images: "Tensor", rows: "Tensor", columns: "Tensor") -> "Tensor":
    """Read images (n, C, H, W) bilinearly at rows and columns (n, H, W) inside them."""
    import torch
    from torch import Tensor

    count, channels, height, width = images.shape
    top, left = rows.floor().clamp_(max=max(height - 2, 0)), columns.floor().clamp_(max=max(width - 2, 0))
    down, right = (rows - top)[:, None], (columns - left)[:, None]
    flat = images.flatten(2)

    def at(row: Tensor, column: Tensor) -> Tensor:
        place = (row.clamp(max=height - 1) * width + column.clamp(max=width - 1)).long().view(count, 1, -1)
        return flat.gather(2, place.expand(-1, channels, -1)).view(images.shape)

    above = at(top, left) * (1 - right) + at(top, left + 1) * right
    below = at(top + 1, left) * (1 - right) + at(top + 1, left + 1) * right
    return torch.lerp(above, below, down.expand_as(above))


def _wrapped(places: "Tensor", size: int) -> "Tensor":
    """Wrap positions onto an axis of `size` pixels, with period `size` - 1."""
    import torch

    period = max(size - 1, 1)
    return torch.where((places < 0) | (places > size - 1), places % period, places)


LI25 = Paper(
    key="li2025detecting",
    title="Detecting and Corrupting Convolution-based Unlearnable Examples",
    authors=("Minghui Li", "Xianlong Wang", "Zhifei Yu", "Shengshan Hu", "Ziqi Zhou", "Longling Zhang", "Leo Yu Zhang"),
    year=2025,
    venue="AAAI 2025",
    identifier="arXiv:2311.18403",
    code="wxldragon/COIN",
)

COIN = Countermeasure(
    name="coin",
    title="each pixel read from a random place up to 2 pixels away",
    paper=LI25,
    source="Li, Wang et al., AAAI 2025",
    augment=displace,
)
