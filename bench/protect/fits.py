"""How images of any size become training images of one size, and how their noise is put onto the whole image."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from attacks.engine.noise import Noise
from bench.protect.picture import Pixels


class Fit(Protocol):
    """Cuts training images of `size` pixels out of an image (C, H, W), and puts their noise onto it."""

    def count(self, height: int, width: int) -> int:
        """Return how many training images an image yields."""

    def cut(self, pixels: Pixels) -> Pixels:
        """Return an image's training images (n, C, size, size)."""

    def lay(self, noise: Noise, height: int, width: int) -> Noise:
        """Return the noise (C, H, W) of an image from that of its training images (n, C, size, size)."""


@dataclass(frozen=True, kw_only=True)
class Tile:
    """Tiles of the image's own pixels, row by row.

    The last tile of a row or column overlaps its neighbour if the side is not a multiple of `size`; its noise counts.
    A side shorter than a tile is padded with its last pixels.
    """

    size: int

    def count(self, height: int, width: int) -> int:
        """Return how many tiles cover the image."""
        return len(self._corners(height, width))

    def cut(self, pixels: Pixels) -> Pixels:
        """Return the tiles."""
        _, height, width = pixels.shape
        missing = [(0, 0), (0, max(0, self.size - height)), (0, max(0, self.size - width))]
        whole = np.pad(pixels, missing, mode="edge")
        corners = self._corners(height, width)
        return np.stack([whole[:, top : top + self.size, left : left + self.size] for top, left in corners])

    def lay(self, noise: Noise, height: int, width: int) -> Noise:
        """Put every tile's noise at the tile's place."""
        shape = (noise.shape[1], max(height, self.size), max(width, self.size))
        whole = np.empty(shape, dtype=noise.dtype)
        for tile, (top, left) in zip(noise, self._corners(height, width), strict=True):
            whole[:, top : top + self.size, left : left + self.size] = tile
        return whole[:, :height, :width]

    def _corners(self, height: int, width: int) -> list[tuple[int, int]]:
        return [(top, left) for top in self._starts(height) for left in self._starts(width)]

    def _starts(self, length: int) -> list[int]:
        return [max(0, min(start, length - self.size)) for start in range(0, length, self.size)]


@dataclass(frozen=True, kw_only=True)
class Resize:
    """The whole image, resized to a square; its noise is resized back to the image's size."""

    size: int

    def count(self, height: int, width: int) -> int:  # noqa: ARG002
        """Return 1."""
        return 1

    def cut(self, pixels: Pixels) -> Pixels:
        """Return the resized image."""
        return np.rint(_resized(pixels, self.size, self.size)).astype(np.uint8)[None]

    def lay(self, noise: Noise, height: int, width: int) -> Noise:
        """Resize the noise bilinearly and round it, which keeps it within its largest value."""
        return np.rint(_resized(noise[0], height, width)).astype(noise.dtype)


FITS: dict[str, type[Tile] | type[Resize]] = {"tile": Tile, "resize": Resize}


def _resized(values: npt.NDArray[np.generic], height: int, width: int) -> npt.NDArray[np.float32]:
    """Resize (C, H, W) bilinearly, with antialiasing where it shrinks."""
    from PIL import Image

    planes = [Image.fromarray(plane.astype(np.float32)) for plane in values]
    return np.stack([np.asarray(plane.resize((width, height), Image.Resampling.BILINEAR)) for plane in planes])
