"""All training images cut from a folder, in one array."""

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

import numpy as np
import numpy.typing as npt

from attacks.core.errors import RequestError, listed, several
from bench.data.dataset import Progress
from bench.data.decode import PERMISSIONS, ImageError, TooLargeError
from bench.data.resources import check_memory, cores, in_threads
from bench.protect.fits import Fit
from bench.protect.listing import Listing
from bench.protect.picture import PictureShape, Pixels, read_picture, read_shape

Result = TypeVar("Result")
BYTES_OF_A_PIXEL = 30  # measured: at most 25, where an image is compared with its PNG


@dataclass(frozen=True, kw_only=True)
class Stack:
    """Training images, those of one image next to each other.

    Attributes:
        images: (N, C, size, size); C is 1 where all images are grey, else 3.
        labels: (N,).
        parts: which of them come from each image.
        shapes: of each image.
    """

    images: Pixels
    labels: npt.NDArray[np.int64]
    parts: tuple[slice, ...]
    shapes: tuple[PictureShape, ...]

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
        RequestError: if images cannot be read or kept (all are named), or do not fit in memory.
    """
    shapes = _shapes(listing)
    counts = [fit.count(shape.height, shape.width) for shape in shapes]
    channels = 1 if all(shape.grey for shape in shapes) else 3
    whole = (sum(counts), channels, size, size)
    _check_memory(whole, shapes)
    images = np.empty(whole, dtype=np.uint8)
    ends = np.cumsum(counts).tolist()
    parts = tuple(slice(end - count, end) for end, count in zip(ends, counts, strict=True))

    def fill(number: int) -> None:
        images[parts[number]] = fit.cut(read_picture(listing.paths[number], channels).pixels)

    _all_done(fill, listing, progress)
    labels = np.repeat(np.array([source.label for source in listing.sources], dtype=np.int64), counts)
    return Stack(images=images, labels=labels, parts=parts, shapes=tuple(shapes))


def _shapes(listing: Listing) -> list[PictureShape]:
    """Return the shape of every image; if one cannot be read, read all images in full, to report all damage at once."""
    try:
        return _all_done(lambda number: read_shape(listing.paths[number]), listing)
    except RequestError:

        def read(number: int) -> None:
            read_picture(listing.paths[number], 3)

        _all_done(read, listing)
        raise


def _all_done(work: Callable[[int], Result], listing: Listing, progress: Progress | None = None) -> list[Result]:
    """Return the result of some work on every image.

    Raises:
        RequestError: if it fails for images; all are named, up to `MOST_LISTED`.
    """
    errors: dict[int, ImageError] = {}

    def tried(number: int) -> Result | None:
        try:
            return work(number)
        except ImageError as error:
            errors[number] = error
            return None

    results = in_threads(tried, range(len(listing.paths)), progress)
    if not errors:
        return cast("list[Result]", results)
    large = [error.pixels for error in errors.values() if isinstance(error, TooLargeError) and error.pixels]
    hint = f", or give --max-pixels {max(large)}" if large else ""
    if len(errors) == 1:
        raise RequestError(f"{errors.popitem()[1]}{hint}")
    named = listed([f"{listing.sources[number].name} ({errors[number].why})" for number in sorted(errors)])
    counts = f"{len(errors):,} of the {len(listing.paths):,} images in {listing.root}"
    are_forbidden = all(error.fix == PERMISSIONS for error in errors.values())
    fix = "check their permissions" if are_forbidden else "repair, convert or remove them"
    raise RequestError(f"cannot read {counts}; {fix}{hint}: {named}")


def _check_memory(shape: tuple[int, ...], shapes: Sequence[PictureShape]) -> None:
    """Refuse images that do not fit in memory with their noise, rather than be killed by the system hours later."""
    images = f"{shape[0]:,} training images of {shape[2]} pixels"
    check_memory(2 * math.prod(shape), f"{images} and their noise", "protect the folder in parts, or use --fit resize")
    largest = max(shapes, key=lambda one: one.height * one.width)
    sizes = sorted((one.height * one.width for one in shapes), reverse=True)[: cores()]
    text = f"{several(len(sizes), 'image')} of up to {largest.width:,} x {largest.height:,} pixels at once"
    check_memory(BYTES_OF_A_PIXEL * sum(sizes), text, "shrink them, or use fewer cores (taskset)")
