"""From an image file to RGB or grey bytes."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from attacks.core.errors import RequestError

if TYPE_CHECKING:
    from PIL import Image


Resize = Literal["middle", "whole"]
_GREY = ("1", "L", "LA", "I")  # modes of Pillow; those of 16 bits begin with I


def decode(path: Path, side: int | None, resize: Resize = "middle", *, grey: bool = False) -> np.ndarray:
    """Read any image that Pillow reads as uint8 `(3, H, W)`, turned upright as its EXIF data says.

    Transparency is dropped, as torchvision's ImageFolder does; of an animation the first frame counts.

    Args:
        path: the file.
        side: pixels of the square that the image is resized to; without it the image stays as it is.
        resize: what of the image: its middle square, or the whole of it, squashed into a square.
        grey: return `(1, H, W)`, for an image that `is_grey`.

    Raises:
        RequestError: where the file is damaged or holds something else; the message names it.
    """
    from PIL import ImageOps

    with opened(path) as file:
        image = _in_8_bits(ImageOps.exif_transpose(file)).convert("L" if grey else "RGB")
    if side is not None:
        image = _resized(image, side, resize)
    return np.ascontiguousarray(np.atleast_3d(np.asarray(image)).transpose(2, 0, 1))


def is_grey(path: Path) -> bool:
    """Say whether an image file holds shades of grey, with or without transparency, by its head.

    Raises:
        RequestError: where the file is damaged or holds something else; the message names it.
    """
    with opened(path) as file:
        return file.mode in _GREY or file.mode.startswith("I;")


@contextmanager
def opened(path: Path) -> Iterator["Image.Image"]:
    """Open an image file; whatever fails while it is open is said of it in one line.

    Raises:
        RequestError: where the file is damaged or cannot be used.
    """
    from PIL import Image

    try:
        with Image.open(path) as file:
            yield file
    except (MemoryError, RequestError):
        raise
    except Exception as error:
        # Pillow's readers raise all kinds on damaged files, and some messages have the path in them.
        why = " ".join(str(error).replace(repr(str(path)), "it").split()) or type(error).__name__
        raise RequestError(f"cannot read the image {path} ({why}); repair, convert or remove it") from error


@contextmanager
def unwarned() -> Iterator[None]:
    """Print none of Pillow's warnings, e.g. of damaged EXIF data or many pixels.

    Filters are the whole process's: enter it once, around the threads that read images and not in each.
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
        # Sixteen-bit grey, which Pillow would clip at 255 and not scale; some versions widen it to 32 bits.
        grey = np.asarray(image).astype(np.int64)
        if grey.min() < 0 or grey.max() > 65535:
            raise ValueError("its pixels have more than 16 bits")
        image = Image.fromarray(((grey + 128) // 257).astype(np.uint8))
    if "transparency" in image.info:
        return image.convert("RGBA")  # Pillow warns where it is asked to drop a palette's transparency in one step
    return image


def _resized(image: "Image.Image", side: int, resize: Resize) -> "Image.Image":
    """Resize the whole image, or crop its middle square and resize that, in one step."""
    from PIL import Image

    if resize == "whole":
        return image.resize((side, side), Image.Resampling.BILINEAR)
    width, height = image.size
    short = min(width, height)
    left, top = (width - short) / 2, (height - short) / 2
    return image.resize((side, side), Image.Resampling.BILINEAR, box=(left, top, left + short, top + short))
