"""A set of images in parts that bound the memory of what is computed from each."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

# entries of the images of a part: part of the order of the random draws, so not a knob of speed
ENTRIES = 2**23


def chunks(images: "Tensor") -> Iterator[slice]:
    """Yield the parts of a set of images (N, C, H, W), in order."""
    count = max(1, ENTRIES // images[0].numel())
    for start in range(0, len(images), count):
        yield slice(start, start + count)
