"""The variational autoencoder of D-VAE, which separates an image from its noise (Yu et al., ICML 2024)."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, conv1x1


class Seen(NamedTuple):
    """The output of an autoencoder for images (n, C, H, W) in [0, 1].

    Attributes:
        image: the reconstruction, in [0, 1].
        noise: what the class-conditional decoder adds to it.
        divergence: of the code from N(0, 1) in nats, summed over channels and averaged over images and positions.
    """

    image: Tensor
    noise: Tensor
    divergence: Tensor


class Autoencoder(nn.Module):
    """A small-image ResNet-18, up to the first block of its second stage, and two decoders.

    Args:
        channels, size: C and (H, W) of the images.
        classes: how many there are; each has a learnt map that is added to the code for the noise decoder.
        width: channels of the first stage, 64 in ResNet-18.
        code: channels of the code, at half the resolution of the images.
    """

    def __init__(self, channels: int, size: Sequence[int], classes: int, *, width: int, code: int) -> None:
        super().__init__()
        wide = 2 * width
        self._encoder = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            BasicBlock(width, width),
            BasicBlock(width, width),
            BasicBlock(width, wide, stride=2, downsample=nn.Sequential(conv1x1(width, wide, 2), nn.BatchNorm2d(wide))),
        )
        self._mean, self._spread = nn.Conv2d(wide, code, 1), nn.Conv2d(wide, code, 1)
        self._widen = nn.Conv2d(code, wide, 1)
        self._image, self._noise = _decoder(wide, channels), _decoder(wide, channels)
        height, across = ((side + 1) // 2 for side in size)
        self._classes = nn.Embedding(classes, wide * height * across)

    def forward(self, images: Tensor, labels: Tensor, generator: torch.Generator) -> Seen:
        """Draw a code for each image, and decode it."""
        inner = self._encoder(images)
        mean, spread = (head(inner).to(images.dtype) for head in (self._mean, self._spread))
        drawn = torch.randn(mean.shape, generator=generator, device=mean.device, dtype=mean.dtype)
        code = self._widen(mean + drawn * (spread / 2).exp())
        known = code + self._classes(labels).view(code.shape)
        height, width = images.shape[2:]
        image, noise = (
            decoder(shown)[:, :, :height, :width].to(images.dtype)
            for decoder, shown in ((self._image, code), (self._noise, known))
        )
        divergence = (mean.square() + spread.exp() - spread - 1).sum(1).mean() / 2
        return Seen(image.sigmoid(), noise, divergence)


def _decoder(wide: int, channels: int) -> nn.Module:
    half, quarter = wide // 2, max(1, wide // 4)
    return nn.Sequential(
        nn.ConvTranspose2d(wide, half, 4, stride=2, padding=1),
        nn.ConvTranspose2d(half, half, 3, padding=1),
        nn.InstanceNorm2d(half),
        nn.ReLU(),
        nn.ConvTranspose2d(half, quarter, 3, padding=1),
        nn.InstanceNorm2d(quarter),
        nn.ReLU(),
        nn.ConvTranspose2d(quarter, channels, 3, padding=1),
    )
