"""Decode image files to RGB or grey bytes."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from attacks.core.errors import RequestError
from bench.data.png import without_long_texts

if TYPE_CHECKING:
    from PIL import Image


Resizing = Literal["middle", "whole"]
_GREY = ("1", "L", "LA", "I")  # modes of Pillow; 16-bit modes begin with I

# Pillow's names of the formats that are read, whatever a file's suffix, in the order in which they are tried; TGA,
# which has no signature, comes last; MPO is read as JPEG
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "JPEG2000", "PPM", "ICO", "PCX", "SGI", "DIB", "TGA")
PERMISSIONS = "check its permissions"
MOST_PIXELS = 178_956_970  # of an image, by default; Pillow's own limit


class ImageError(RequestError):
    """An image file that cannot be used: which one, why, and what to do."""

    def __init__(self, path: Path, why: str, fix: str = "repair, convert or remove it") -> None:
        super().__init__(f"cannot read the image {path} ({why}); {fix}")
        self.path, self.why, self.fix = path, why, fix


class TooLargeError(ImageError):
    """An image with more pixels than are read; `pixels` is their number, if known."""

    def __init__(self, path: Path, pixels: int | None, most: int) -> None:
        many = f"{pixels:,} pixels" if pixels else "too many pixels"
        why = f"{many}; at most {most:,} are read, a guard against decompression bombs"
        super().__init__(path, why, "shrink it or cut it into parts")
        self.pixels = pixels


def decode(path: Path, side: int | None, resize: Resizing = "middle", *, grey: bool = False) -> np.ndarray:
    """Read any image that Pillow supports as uint8 `(3, H, W)`, rotated upright according to its EXIF data.

    Transparency is dropped, as in torchvision's ImageFolder; of an animation only the first frame is read.

    Args:
        path: the file.
        side: side in pixels of the square that the image is resized to; None: it is not resized.
        resize: what to resize: the middle square, or the whole image, squashed into a square.
        grey: return `(1, H, W)`, for an image that `is_grey`.

    Raises:
        RequestError: if the file is damaged or not an image; the message names it.
    """
    from PIL import ImageOps

    with opened(path) as file:
        image = _in_8_bits(ImageOps.exif_transpose(file)).convert("L" if grey else "RGB")
    if side is not None:
        image = _resized(image, side, resize)
    return np.ascontiguousarray(np.atleast_3d(np.asarray(image)).transpose(2, 0, 1))


def is_grey(path: Path) -> bool:
    """Return whether an image file is grey, with or without transparency, according to its header.

    Raises:
        RequestError: if the file is damaged or not an image; the message names it.
    """
    with opened(path) as file:
        return file.mode in _GREY or file.mode.startswith("I;")


@contextmanager
def opened(path: Path) -> Iterator["Image.Image"]:
    """Open an image file; any failure while it is open is reported in one line that names the file.

    Texts of a PNG that are too long for Pillow are left out.

    Raises:
        ImageError: if the file is damaged or cannot be used.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(without_long_texts(path), formats=_formats()) as file:
            yield file
    except (MemoryError, RequestError):
        raise
    except Image.DecompressionBombError as error:
        pixels = re.search(r"\((\d+) pixels\)", str(error))
        raise TooLargeError(path, int(pixels[1]) if pixels else None, 2 * (Image.MAX_IMAGE_PIXELS or 0)) from error
    except PermissionError as error:
        raise ImageError(path, "Permission denied", PERMISSIONS) from error
    except UnidentifiedImageError as error:
        raise ImageError(path, "not an image in a supported format") from error
    except Exception as error:
        # Pillow's readers raise all kinds of errors on damaged files, and some messages contain the path.
        why = " ".join(str(error).replace(repr(str(path)), "it").split()) or type(error).__name__
        raise ImageError(path, why) from error


@cache
def _formats() -> tuple[str, ...]:
    """Return those of `FORMATS` that this version of Pillow has."""
    from PIL import Image

    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


@contextmanager
def pixel_limit(most: int) -> Iterator[None]:
    """Allow images of up to `most` pixels; like the filters in `unwarned`, this applies to the whole process."""
    from PIL import Image

    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, -(-most // 2)  # Pillow refuses images above twice this
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


@contextmanager
def unwarned() -> Iterator[None]:
    """Suppress Pillow's warnings, e.g. about damaged EXIF data or many pixels.

    Filters apply to the whole process: enter this once, around the threads that read images and not in each.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


def _in_8_bits(image: "Image.Image") -> "Image.Image":
    """Return an image that can be converted to RGB or grey."""
    from PIL import Image

    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers of unknown range")
    if image.mode.startswith("I"):
        # 16-bit grey, which Pillow would clip at 255 instead of scaling; some versions widen it to 32 bits.
        grey = np.asarray(image).astype(np.int64)
        if grey.min() < 0 or grey.max() > 65535:
            raise ValueError("its pixels have more than 16 bits")
        image = Image.fromarray(((grey + 128) // 257).astype(np.uint8))
    if "transparency" in image.info:
        return image.convert("RGBA")  # Pillow warns if a palette's transparency is dropped in one step
    return image


def _resized(image: "Image.Image", side: int, resize: Resizing) -> "Image.Image":
    """Resize the whole image, or crop its middle square and resize that, in one step."""
    from PIL import Image

    if resize == "whole":
        return image.resize((side, side), Image.Resampling.BILINEAR)
    width, height = image.size
    short = min(width, height)
    left, top = (width - short) / 2, (height - short) / 2
    return image.resize((side, side), Image.Resampling.BILINEAR, box=(left, top, left + short, top + short))
