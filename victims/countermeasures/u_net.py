"""A small U-Net that learns what to add to images (architecture of Ronneberger et al., MICCAI 2015)."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

LEVELS = 3


class UNet(nn.Module):
    """A map from images (n, C, H, W) to images; each lower level has half the size and twice the channels.

    It starts as the identity, since its last layer is zero.

    Args:
        channels: C.
        width: channels at full resolution.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        widths = [width << level for level in range(LEVELS)]
        self._down = nn.ModuleList(map(_block, [channels, *widths[:-1]], widths))
        self._up = nn.ModuleList(_block(above + below, above) for above, below in pairwise(widths))
        self._last = nn.Conv2d(width, channels, 1)
        nn.init.zeros_(self._last.weight)
        nn.init.zeros_(self._last.bias)  # type: ignore[arg-type]

    def forward(self, images: Tensor) -> Tensor:
        """Return the changed images, of the same type and not clipped to [0, 1]."""
        seen = [self._down[0](images)]
        for block in self._down[1:]:
            seen.append(block(functional.max_pool2d(seen[-1], 2, ceil_mode=True)))
        found = seen.pop()
        for block in reversed(self._up):
            beside = seen.pop()
            found = block(torch.cat([functional.interpolate(found, beside.shape[2:]), beside], 1))
        added: Tensor = self._last(found)
        return images + added.to(images.dtype)


def _block(before: int, after: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1), nn.ReLU(), nn.Conv2d(after, after, 3, padding=1), nn.ReLU()
    )
