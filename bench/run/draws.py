"""The random streams of cells, and the draw of which images are protected."""

import hashlib

import numpy as np
import numpy.typing as npt

from bench.config.axes import ALL
from bench.config.models import Cell


def stream(cell: Cell, *purpose: str) -> int:
    """Return the seed of a random stream, derived from a cell's seed, dataset and salt, and from its purpose.

    It does not depend on the method: all noises of one seed start from the same surrogate, and all victims of one seed
    from the same weights and, on one kind of device, batches, so that methods can be compared in pairs. A GPU draws
    other batches than a CPU.
    """
    text = "/".join([str(cell.seed), cell.inputs["stream"], *purpose])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def count_protected(images: int, share: int) -> int:
    """Return how many of `images` are protected at a share in percent, rounded to the nearest integer."""
    return (images * share + ALL // 2) // ALL


def draw_protected(images: int, share: int, seed: int) -> npt.NDArray[np.bool_]:
    """Return a mask of the protected images, (images,); for the same seed, a larger share includes a smaller one."""
    mask = np.zeros(images, dtype=bool)
    mask[np.random.default_rng(seed).permutation(images)[: count_protected(images, share)]] = True
    return mask
