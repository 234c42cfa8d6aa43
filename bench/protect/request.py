"""What a user wants protected, and whether that is possible."""

from dataclasses import dataclass
from pathlib import Path

from attacks.core.errors import RequestError
from attacks.methods import method
from bench.config.models import Protocol, check_seed
from bench.data.decode import MOST_PIXELS
from bench.protect.output import check_output

LARGEST = 65_535  # the longest side of a JPEG in pixels


@dataclass(frozen=True, kw_only=True)
class ProtectRequest:
    """What to protect, and how.

    Attributes:
        images: the folder.
        out: the folder to write; it must not exist or must be empty.
        labels: a CSV file; without it the images lie in one folder per class.
        method: a method's name or alias.
        protocol: the numbers of the method.
        fit: a name in `FITS`.
        size: side of the training images.
        seed: of every random draw.
        most_pixels: the largest image that is read, a guard against decompression bombs.
    """

    images: Path
    out: Path
    labels: Path | None
    method: str
    protocol: Protocol
    fit: str
    size: int
    seed: int
    most_pixels: int = MOST_PIXELS


def check_request(request: ProtectRequest) -> None:
    """Refuse what is wrong before any image is read.

    Raises:
        RequestError: for a method that makes no noise or none within the bound, or for numbers or an output folder
            that cannot be used.
    """
    known, setup = method(request.method), request.protocol.setup
    if known.recipe.ready_made:
        raise RequestError(f"{request.method} is noise for other images; give a method instead")
    if not known.protects:
        raise RequestError(f"{known.name} makes no noise; choose a method that does")
    if not known.bounded:
        raise RequestError(
            f"{known.name} is not bounded by {setup.noise.rho_u}/255 (its bound: {known.bound}); choose a method that "
            "is: `python -m bench list methods` states the bounds"
        )
    check_seed(request.seed)
    least = max(setup.augment.size or 1, setup.augment.padding + 1)
    if request.size < least:
        raise RequestError(
            f"--size {request.size} is too small for {request.protocol.name!r}; give at least {least} pixels"
        )
    if request.size > LARGEST:
        raise RequestError(f"--size {request.size} is too large; give at most {LARGEST} pixels")
    if request.most_pixels < 1:
        raise RequestError(f"--max-pixels {request.most_pixels} leaves no image; give at least 1")
    check_output(request.out, request.images)
