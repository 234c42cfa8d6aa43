"""The generators of BAIT and GUE, which turn an image with any number of channels into noise.

The architectures are those of the code released with Li et al., ICLR 2026, and Liu et al., AAAI 2024. Images are padded
with zeros to sides that are multiples of 8, at least 16, and the noise is cropped to the size of the images.
"""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

STRIDE = 8  # image pixels per position at the networks' lowest resolution
SMALLEST = 2 * STRIDE  # BAIT's blocks reflect one position at the edge, and GUE's norms need several per image
LEVELS = 4  # of the U-Net


class Generator(nn.Module):
    """BAIT's: convolutions down to an eighth of the side and 32 times the width, residual blocks, and back up.

    Args:
        channels: of the images and of the noise.
        width: channels of the first convolution.
        blocks: residual blocks.
    """

    def __init__(self, channels: int, *, width: int, blocks: int) -> None:
        super().__init__()
        widths = [width << level for level in range(6)]
        down = zip([channels, *widths], widths, (1, 2, 1, 2, 1, 2), strict=False)
        up = zip(widths[:0:-1], widths[-2::-1], (2, 1, 2, 1, 2), strict=True)
        self.encoder = nn.Sequential(*(layer for sizes in down for layer in _down(*sizes)))
        self.blocks = nn.Sequential(*(_Block(widths[-1]) for _ in range(blocks)))
        layers = [layer for sizes in up for layer in _up(*sizes)]
        last = nn.ConvTranspose2d(width, channels, 3, padding=1, bias=False)
        self.decoder = nn.Sequential(*layers, last, nn.Tanh())

    def forward(self, images: Tensor) -> Tensor:
        """Return noise (n, C, H, W) in [-1, 1] for images (n, C, H, W) in [0, 1]."""
        noise: Tensor = self.decoder(self.blocks(self.encoder(_padded(images))))
        return noise[:, :, : images.shape[2], : images.shape[3]]


class NoiseUNet(nn.Module):
    """GUE's: a U-Net of four levels, each with half the size and twice the channels of the one above.

    Args:
        channels: of the images and of the noise.
        width: channels at full resolution.
    """

    def __init__(self, channels: int, *, width: int) -> None:
        super().__init__()
        widths = [width << level for level in range(LEVELS)]
        self.down = nn.ModuleList(map(_pair, [channels, *widths], widths))
        self.up = nn.ModuleList(_pair(below + above, above) for below, above in pairwise(reversed(widths)))
        self.last = nn.Sequential(nn.Conv2d(width, channels, 1), nn.BatchNorm2d(channels), nn.Tanh())

    def forward(self, images: Tensor) -> Tensor:
        """Return noise (n, C, H, W) in [-1, 1] for images (n, C, H, W) in [0, 1]."""
        seen = [self.down[0](_padded(images))]
        for block in self.down[1:]:
            seen.append(block(functional.avg_pool2d(seen[-1], 2)))
        found = seen.pop()
        for block in self.up:
            found = block(torch.cat([self._doubled(found), seen.pop()], 1))
        noise: Tensor = self.last(found)
        return noise[:, :, : images.shape[2], : images.shape[3]]

    def _doubled(self, maps: Tensor) -> Tensor:
        """Interpolate bilinearly to twice the size, with aligned corners.

        A matrix product, because the gradient of `functional.interpolate` is not deterministic on a GPU.
        """
        rows, columns = (_between(side, next(self.parameters())) for side in maps.shape[2:])
        return torch.einsum("ih,nchw,jw->ncij", rows, maps, columns)


def _between(side: int, like: Tensor) -> Tensor:
    """Return the weights (2 side, side) that interpolate `side` values linearly at twice as many positions."""
    places = torch.linspace(0, side - 1, 2 * side, dtype=like.dtype, device=like.device)
    return (1 - (places[:, None] - torch.arange(side, device=like.device)).abs()).clamp(min=0)


def _padded(images: Tensor) -> Tensor:
    below, right = (max(SMALLEST, -(-side // STRIDE) * STRIDE) - side for side in images.shape[2:])
    return functional.pad(images, (0, right, 0, below))


class _Reflect(nn.Module):
    """Reflection padding by one, by concatenation, because PyTorch's own gradient is not deterministic on a GPU."""

    def forward(self, maps: Tensor) -> Tensor:
        for axis in (2, 3):
            first, last = maps.narrow(axis, 1, 1), maps.narrow(axis, -2, 1)
            maps = torch.cat([first, maps, last], axis)
        return maps


class _Block(nn.Module):
    """Two convolutions with BatchNorm whose output is added to their input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        layers = []
        for activation in ([nn.ReLU()], []):
            convolution = nn.Conv2d(width, width, 3, bias=False)
            layers += [_Reflect(), convolution, nn.BatchNorm2d(width), *activation]
        self.layers = nn.Sequential(*layers)

    def forward(self, maps: Tensor) -> Tensor:
        changed: Tensor = self.layers(maps)
        return maps + changed


def _down(before: int, after: int, stride: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(before, after, 3, stride=stride, padding=1), nn.InstanceNorm2d(after), nn.ReLU()


def _up(before: int, after: int, stride: int) -> tuple[nn.Module, ...]:
    larger = nn.ConvTranspose2d(before, after, 3, stride=stride, padding=1, output_padding=stride - 1, bias=False)
    return larger, nn.InstanceNorm2d(after), nn.ReLU()


def _pair(before: int, after: int) -> nn.Module:
    layers: list[nn.Module] = []
    for fan in (before, after):
        layers += [nn.Conv2d(fan, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*layers)


def draw_network(build: Callable[[], nn.Module], random: torch.Generator) -> nn.Module:
    """Return the network that `build` builds with PyTorch's default initialisation, seeded by `random`."""
    seed = int(torch.randint(2**62, (), generator=random, device=random.device))
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return build()
