"""One image file: its pixels as stored, and what belongs to them."""

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from attacks.core.errors import RequestError
from attacks.core.files import unwritable
from bench.data.decode import opened

if TYPE_CHECKING:
    from PIL import Image

Pixels = npt.NDArray[np.uint8]

# what each of Pillow's modes becomes, where nothing is lost by it; alpha is kept
KEPT = {"1": "L", "L": "L", "LA": "LA", "P": "RGB", "PA": "RGBA", "RGB": "RGB", "RGBA": "RGBA"}
GREY = ("L", "LA")
FIRST_COUNTS = ("MPO",)  # of its pictures the first is the photograph, the others are made from it
INCH = 0.0254  # in metres
MOST_PER_METRE = 2**31 - 1  # that PNG can hold; no resolution that is no number is under it either
XMP = "XML:com.adobe.xmp"  # as PNG names it
RAW_EXIF = "Raw profile type exif"  # EXIF data as ImageMagick writes it
_SPACES = {1: b"GRAY", 3: b"RGB "}  # by channels, what an ICC profile in a PNG is for
THUMBNAILS = "Thumbnails"  # of XMP: small copies of the image, without noise


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What the head of a file tells."""

    height: int
    width: int
    grey: bool


@dataclass(frozen=True, kw_only=True)
class Picture:
    """An image as stored, not turned as its EXIF data says.

    Attributes:
        pixels: (C, H, W), C 1 or 3.
        alpha: (1, H, W), where there is one; noise leaves it as it is.
        info: what Pillow writes beside the pixels, by its own names: EXIF, ICC profile, resolution.
        texts: PNG's text entries.
    """

    pixels: Pixels
    alpha: Pixels | None
    info: dict[str, Any] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)


def read_shape(path: Path) -> Shape:
    """Read the head of a file.

    Raises:
        RequestError: where it is damaged, or holds what an 8-bit PNG of one picture cannot.
    """
    with opened(path) as image:
        return Shape(height=image.height, width=image.width, grey=_mode(image) in GREY)


def read_picture(path: Path, channels: int) -> Picture:
    """Read a file; grey becomes colour where 3 channels are asked for.

    An ICC profile for other pixels than those is left out.

    Raises:
        RequestError: as `read_shape`.
    """
    with opened(path) as image:
        mode = _mode(image)
        image.load()
        if channels == 3:
            mode = mode.replace("L", "RGB")
        stored = np.atleast_3d(np.asarray(image.convert(mode))).transpose(2, 0, 1)
        info = _info(image)
        if info.get("icc_profile", b"")[16:20] != _SPACES[channels]:
            info.pop("icc_profile", None)
        return Picture(
            pixels=np.ascontiguousarray(stored[:channels]),
            alpha=np.ascontiguousarray(stored[channels:]) if mode.endswith("A") else None,
            info=info,
            texts=_texts(image),
        )


def write_picture(path: Path, picture: Picture) -> None:
    """Write a picture as PNG; the same picture gives the same bytes.

    Raises:
        RequestError: where it cannot be written, e.g. to a full disk, or PNG cannot hold what belongs to it.
    """
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    planes = picture.pixels if picture.alpha is None else np.concatenate([picture.pixels, picture.alpha])
    stored = planes[0] if len(planes) == 1 else planes.transpose(1, 2, 0)
    texts = PngInfo()
    try:
        for key, value in picture.texts.items():
            texts.add_itxt(key, value)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.ascontiguousarray(stored)).save(path, format="PNG", pnginfo=texts, **picture.info)
    except OSError as error:
        raise unwritable(path, error) from error
    except (ValueError, OverflowError, struct.error) as error:
        raise RequestError(f"cannot write {path} ({error}); remove the metadata from the original image") from error


def _mode(image: "Image.Image") -> str:
    """Return the mode that keeps all that is in an image."""
    if getattr(image, "n_frames", 1) > 1 and image.format not in FIRST_COUNTS:
        raise ValueError("it holds several frames")
    if image.mode not in KEPT or any(";16" in str(tile[3]) for tile in getattr(image, "tile", ())):
        raise ValueError(f"its pixels are {image.mode} or 16-bit, not 8-bit greyscale or RGB")
    mode = KEPT[image.mode]
    transparent = "transparency" in image.info and not mode.endswith("A")
    return f"{mode}A" if transparent else mode


def _info(image: "Image.Image") -> dict[str, Any]:
    """Return EXIF data without its thumbnail, which shows the image without noise, ICC profile and resolution.

    A TIFF's tags are not EXIF data: they describe how its own bytes lie.
    """
    found = {key: image.info[key] for key in ("icc_profile", "dpi") if image.info.get(key)}
    if not all(0 <= side / INCH < MOST_PER_METRE for side in found.get("dpi", ())):
        del found["dpi"]
    if image.format != "TIFF" and (exif := image.getexif()):
        found["exif"] = exif.tobytes()
    return found


def _texts(image: "Image.Image") -> dict[str, str]:
    """Return the texts of a PNG, or the comment and XMP data of another file; none that holds the image once more."""
    texts = {key: str(value) for key, value in getattr(image, "text", {}).items() if key != RAW_EXIF}
    for name, key in (("comment", "Comment"), ("xmp", XMP)):
        value = image.info.get(name)
        if value and key not in texts:
            texts[key] = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return {key: value for key, value in texts.items() if THUMBNAILS not in value}
