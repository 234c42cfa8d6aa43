"""The network that turns an image into noise, as BAIT trains it: an encoder, residual blocks and a decoder.

The architecture is that of the code released with Li et al., ICLR 2026, with any number of channels and blocks.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

STRIDE = 8  # pixels of an image per place of the residual blocks
SMALLEST = 2 * STRIDE  # the blocks reflect one place at the edge, so that they need two


class Generator(nn.Module):
    """Convolutions down to an eighth of the side and 32 times the width, residual blocks, and the way back.

    Images are padded with zeros to sides that are multiples of 8, at least 16, and the noise is cut to their size.

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
        height, width = images.shape[2:]
        below, right = (max(SMALLEST, -(-side // STRIDE) * STRIDE) - side for side in (height, width))
        padded = functional.pad(images, (0, right, 0, below))
        noise: Tensor = self.decoder(self.blocks(self.encoder(padded)))
        return noise[:, :, :height, :width]


class _Block(nn.Module):
    """Two convolutions with BatchNorm whose result is added to what they see."""

    def __init__(self, width: int) -> None:
        super().__init__()
        layers = []
        for activation in ([nn.ReLU()], []):
            convolution = nn.Conv2d(width, width, 3, bias=False)
            layers += [nn.ReflectionPad2d(1), convolution, nn.BatchNorm2d(width), *activation]
        self.layers = nn.Sequential(*layers)

    def forward(self, maps: Tensor) -> Tensor:
        changed: Tensor = self.layers(maps)
        return maps + changed


def _down(before: int, after: int, stride: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(before, after, 3, stride=stride, padding=1), nn.InstanceNorm2d(after), nn.ReLU()


def _up(before: int, after: int, stride: int) -> tuple[nn.Module, ...]:
    larger = nn.ConvTranspose2d(before, after, 3, stride=stride, padding=1, output_padding=stride - 1, bias=False)
    return larger, nn.InstanceNorm2d(after), nn.ReLU()


def draw_generator(channels: int, *, width: int, blocks: int, random: torch.Generator) -> Generator:
    """Return a generator with PyTorch's own initial distribution, drawn by `random`; arguments as of `Generator`."""
    seed = int(torch.randint(2**62, (), generator=random, device=random.device))
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return Generator(channels, width=width, blocks=blocks)
