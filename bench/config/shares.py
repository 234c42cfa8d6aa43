"""Which training images are protected where only a share of them is."""

import numpy as np
import numpy.typing as npt

ALL = 100  # percent


def count_protected(images: int, share: int) -> int:
    """Return how many of `images` are protected at a share in percent, rounded to the nearest."""
    return (images * share + ALL // 2) // ALL


def draw_protected(images: int, share: int, seed: int) -> npt.NDArray[np.bool_]:
    """Return which images are protected, (images,); with one seed, a larger share protects the same ones and more."""
    mask = np.zeros(images, dtype=bool)
    mask[np.random.default_rng(seed).permutation(images)[: count_protected(images, share)]] = True
    return mask
