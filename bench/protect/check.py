"""Compare what was written with the originals, from the files alone."""

from pathlib import Path

import numpy as np

from attacks.core.errors import RequestError
from bench.data.dataset import Progress
from bench.data.parallel import in_threads
from bench.protect.listing import Listing, Source
from bench.protect.picture import Picture, read_picture


def largest_difference(listing: Listing, written: Path, channels: int, progress: Progress | None = None) -> int:
    """Return the largest difference between a pixel of an original and of its PNG, in 1/255.

    Args:
        listing: the originals.
        written: the folder of PNGs.
        channels: 1 where the PNGs are grey, 3 where they are in colour.
        progress: called with (images done, all images).

    Raises:
        RequestError: where an image is missing or there are others, or one differs in more than its pixels' values.
    """
    found = {path.relative_to(written).as_posix() for path in written.rglob("*") if path.is_file()}
    strange = found ^ {source.target for source in listing.sources}
    if strange:
        raise RequestError(f"{min(strange)} is missing from the output or should not be there; rerun")

    def compare(source: Source) -> int:
        before = read_picture(listing.root / source.name, channels)
        after = read_picture(written / source.target, channels)
        if before.pixels.shape != after.pixels.shape or not _same_beside(before, after):
            raise RequestError(f"{source.target} is not {source.name} plus its noise; nothing was kept, rerun")
        return int(np.abs(after.pixels.astype(np.int16) - before.pixels).max())

    return max(in_threads(compare, listing.sources, progress))


def _same_beside(before: Picture, after: Picture) -> bool:
    """Say whether alpha is the same, and the same kinds of metadata are there."""
    if before.alpha is None or after.alpha is None:
        same = before.alpha is after.alpha
    else:
        same = np.array_equal(before.alpha, after.alpha)
    return same and before.info.keys() == after.info.keys() and before.texts == after.texts
