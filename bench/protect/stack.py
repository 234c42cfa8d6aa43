"""All training images that a folder gives, in one array."""

import hashlib
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.data.dataset import Progress
from bench.data.resources import check_memory, in_threads
from bench.protect.fits import Fit
from bench.protect.listing import Listing
from bench.protect.picture import Pixels, Shape, read_picture, read_shape


@dataclass(frozen=True, kw_only=True)
class Stack:
    """Training images, those of one image next to each other.

    Attributes:
        images: (N, C, size, size); C is 1 where all images are grey, else 3.
        labels: (N,).
        parts: which of them each image gave.
        shapes: of each image.
    """

    images: Pixels
    labels: npt.NDArray[np.int64]
    parts: tuple[slice, ...]
    shapes: tuple[Shape, ...]

    @property
    def channels(self) -> int:
        """1 where all images are grey, else 3."""
        return int(self.images.shape[1])

    @property
    def digest(self) -> str:
        """SHA-256, in hex, over shape, pixels and labels."""
        digest = hashlib.sha256(repr(self.images.shape).encode())
        digest.update(self.images.data)
        digest.update(self.labels.astype("<i8").data)
        return digest.hexdigest()


def read_stack(listing: Listing, fit: Fit, size: int, progress: Progress | None = None) -> Stack:
    """Read all images and cut their training images.

    Args:
        listing: the images.
        fit, size: how training images are cut, and their side.
        progress: called with (images done, all images).

    Raises:
        RequestError: where an image cannot be read or kept, or they are more than fit in memory.
    """
    shapes = in_threads(lambda source: read_shape(listing.root / source.name), listing.sources)
    counts = [fit.count(shape.height, shape.width) for shape in shapes]
    channels = 1 if all(shape.grey for shape in shapes) else 3
    whole = (sum(counts), channels, size, size)
    _check_memory(whole)
    images = np.empty(whole, dtype=np.uint8)
    ends = np.cumsum(counts).tolist()
    parts = tuple(slice(end - count, end) for end, count in zip(ends, counts, strict=True))

    def fill(number: int) -> None:
        source = listing.sources[number]
        images[parts[number]] = fit.cut(read_picture(listing.root / source.name, channels).pixels)

    in_threads(fill, range(len(parts)), progress)
    labels = np.repeat(np.array([source.label for source in listing.sources], dtype=np.int64), counts)
    return Stack(images=images, labels=labels, parts=parts, shapes=tuple(shapes))


def _check_memory(shape: tuple[int, ...]) -> None:
    """Refuse what cannot be held with its noise, rather than be ended by the system hours later."""
    images = f"{shape[0]:,} training images of {shape[2]} pixels"
    check_memory(2 * math.prod(shape), f"{images} and their noise", "protect the folder in parts, or use --fit resize")
