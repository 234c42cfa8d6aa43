"""One image file: its pixels as stored, and the metadata that its PNG keeps."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from attacks.core.files import unwritable
from bench.data.decode import opened
from bench.data.png import SIGNATURE
from bench.protect.metadata.draft import Metadata

if TYPE_CHECKING:
    from PIL import Image

Pixels = npt.NDArray[np.uint8]

# what each of Pillow's modes is converted to, if nothing is lost; alpha is kept
KEPT = {"1": "L", "L": "L", "LA": "LA", "P": "RGB", "PA": "RGBA", "RGB": "RGB", "RGBA": "RGBA"}
GREY = ("L", "LA")
FIRST_COUNTS = ("MPO",)  # its first picture is the photograph; the others are derived from it
_HEAD = len(SIGNATURE) + 25  # bytes of a PNG up to the end of its first chunk, which states the size


@dataclass(frozen=True, kw_only=True)
class PictureShape:
    """What the header of a file states."""

    height: int
    width: int
    grey: bool


@dataclass(frozen=True, kw_only=True)
class Picture:
    """An image as stored, not rotated by its EXIF orientation.

    Attributes:
        pixels: (C, H, W), C 1 or 3.
        alpha: (1, H, W), where there is one; noise leaves it as it is.
    """

    pixels: Pixels
    alpha: Pixels | None


def read_shape(path: Path) -> PictureShape:
    """Read the header of a file.

    Raises:
        ImageError: if it is damaged, or holds what an 8-bit PNG of one picture cannot.
    """
    with opened(path) as image:
        return PictureShape(height=image.height, width=image.width, grey=_mode(image, path) in GREY)


def read_picture(path: Path, channels: int) -> Picture:
    """Read a file; greyscale becomes RGB if 3 channels are requested.

    Raises:
        ImageError: as for `read_shape`.
    """
    with opened(path) as image:
        mode = _mode(image, path)
        image.load()
        if channels == 3:
            mode = mode.replace("L", "RGB")
        stored = np.atleast_3d(np.asarray(image.convert(mode))).transpose(2, 0, 1)
        return Picture(
            pixels=np.ascontiguousarray(stored[:channels]),
            alpha=np.ascontiguousarray(stored[channels:]) if mode.endswith("A") else None,
        )


def write_picture(path: Path, picture: Picture, metadata: Metadata) -> None:
    """Write a picture as PNG, with nothing in it but the pixels and the kept metadata.

    Raises:
        RequestError: if it cannot be written, e.g. to a full disk.
    """
    from PIL import Image

    planes = picture.pixels if picture.alpha is None else np.concatenate([picture.pixels, picture.alpha])
    stored = planes[0] if len(planes) == 1 else planes.transpose(1, 2, 0)
    written = io.BytesIO()
    try:
        Image.fromarray(np.ascontiguousarray(stored)).save(written, format="PNG")
        content = written.getvalue()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content[:_HEAD] + b"".join(chunk.framed for chunk in metadata.chunks) + content[_HEAD:])
    except OSError as error:
        raise unwritable(path, error) from error


def _mode(image: "Image.Image", path: Path) -> str:
    """Return the mode that keeps everything in an image."""
    if getattr(image, "n_frames", 1) > 1 and image.format not in FIRST_COUNTS:
        raise ValueError("it holds several frames")
    if image.mode not in KEPT or _is_deep(image, path):
        depth = " of more than 8 bits" if image.mode in KEPT else ""
        raise ValueError(f"its pixels are {image.mode}{depth}, not 8-bit greyscale or RGB")
    mode = KEPT[image.mode]
    transparent = "transparency" in image.info and not mode.endswith("A")
    return f"{mode}A" if transparent else mode


def _is_deep(image: "Image.Image", path: Path) -> bool:
    """Return whether an image has more than 8 bits per channel, of which Pillow would keep 8."""
    if image.format == "JPEG2000":
        content = path.read_bytes()
        start = content.find(b"\xff\x4f\xff\x51")  # of the code stream, which states the depth of its first channel
        return start >= 0 and any(depth & 0x7F > 7 for depth in content[start + 42 : start + 43])
    tiles = [(str(tile[0]), tile[3]) for tile in getattr(image, "tile", ())]
    return any(
        ";16" in str(how).replace("BGR;16", "")  # that is a whole pixel of a BMP
        or codec == "SGI16"
        or (codec.startswith("ppm") and how[-1] > 255)
        for codec, how in tiles
    )
