"""Read an image file's metadata into the PNG chunks that say who owns the image and how it is displayed."""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from attacks.core.errors import one_line
from bench.data.decode import opened
from bench.data.png import Chunk
from bench.protect.metadata.block import Block, within_tags
from bench.protect.metadata.directories import write_directories
from bench.protect.metadata.draft import Draft, Metadata, decoded, unfit
from bench.protect.metadata.exif import INCH, ORIENTATION, read_exif, read_tiff_tags, short
from bench.protect.metadata.formats import READERS
from bench.protect.metadata.formats.png import OWNERS
from bench.protect.metadata.icc import rebuilt
from bench.protect.metadata.iptc import read_iptc, read_photoshop
from bench.protect.metadata.xmp import read_xmp, write_xmp

if TYPE_CHECKING:
    from PIL import Image

REMARK = "comment"  # the keyword of a text that is treated like a JPEG's comment
# in the order of reading: XMP properties before the corresponding IPTC fields
_DATA = {"exif": read_exif, "tiff": read_tiff_tags, "xmp": read_xmp, "photoshop": read_photoshop, "iptc": read_iptc}
LARGEST_ORIENTATION = 8
MOST_PER_UNIT = 2**31 - 1  # that PNG can hold; a resolution of nan is not below it either


def read_metadata(path: Path, channels: int) -> Metadata:
    """Return which metadata of an image its PNG keeps, and which it does not.

    Args:
        path: the image.
        channels: 1 where the PNG is grey, 3 where it is in colour.

    Raises:
        ImageError: if the file is no longer an image.
    """
    with opened(path) as image:
        # Pillow rotates a TIFF while reading it, and an AVIF image is rotated by its own boxes, not by its EXIF data
        draft = Draft(oriented=image.format in {"AVIF", "TIFF"})
        found: list[Block] = []
        with _damage(draft, "metadata"):
            found.extend(_from_pillow(image, draft))
        with _damage(draft, "metadata"):
            if reader := READERS.get(image.format or ""):
                found.extend(reader(path.read_bytes()))
        for block in [one for one in found if one.kind in {"exif", "tiff"}]:
            with _damage(draft, block.name):
                found.extend(within_tags(block.data))
        for block in sorted(found, key=lambda one: [*_DATA, one.kind].index(one.kind)):
            with _damage(draft, block.name):
                _take(block, draft, channels)
        _add_resolution(image, draft)
    return draft.done(tuple(_chunks(draft)))


@contextmanager
def _damage(draft: Draft, what: str) -> Iterator[None]:
    """Note that damaged metadata could not be kept, and go on."""
    try:
        yield
    except (OSError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - each of the readers, Pillow's too, raises what it likes
        draft.lose(what, f"damaged: {one_line(str(error), 80) or type(error).__name__}")


def _from_pillow(image: "Image.Image", draft: Draft) -> Iterator[Block]:
    """Yield the blocks that Pillow finds and the readers of formats do not."""
    if image.format != "PNG":
        profile = image.info.get("icc_profile", b"")
        if profile is None:  # as Pillow says of a JPEG
            yield Block("lost", "colour profile", b"damaged: one of its segments is missing")
        elif profile:
            yield Block("profile", "colour profile", profile)
    if image.format == "AVIF" and 1 < (orientation := _own_orientation(image)) <= LARGEST_ORIENTATION:
        draft.exif[ORIENTATION] = short(orientation)
    if image.format == "JPEG2000" and (comment := image.info.get("comment")):
        yield Block("remark", "JPEG 2000 comment", comment if isinstance(comment, bytes) else comment.encode())


def _own_orientation(image: "Image.Image") -> int:
    """Return the orientation that Pillow puts together from an AVIF's boxes, without looking into its XMP."""
    from PIL.Image import Exif

    exif = Exif()
    exif.load(image.info.get("exif", b""))
    return int(exif.get(ORIENTATION[1], 1))


def _take(block: Block, draft: Draft, channels: int) -> None:
    data = block.data
    if block.kind == "profile":
        if profile := rebuilt(data, channels, draft):
            draft.display[b"iCCP"] = b"ICC Profile\0\0" + zlib.compress(profile)
    elif block.kind == "chunk":
        draft.display[block.name.encode()] = data
    elif block.kind in _DATA:
        _DATA[block.kind](data, draft)
    elif block.kind in {"author", "text", "remark"}:
        _take_text(block.kind, block.name, decoded(data), draft)
    elif block.kind == "lost":
        draft.lose(block.name, data.decode())
    elif block.kind == "unknown":
        draft.unknown(block.name, data)
    else:
        draft.picture(block.name)


def _take_text(kind: str, name: str, text: str, draft: Draft) -> None:
    what = f"PNG text {name!r}" if kind == "text" else name
    if kind == "author":
        draft.keep_text("Author", text, what)
    elif kind == "text" and name.lower() in OWNERS:
        draft.keep_text(name, text, what)
    elif kind == "remark" or name.lower() == REMARK:
        draft.keep_remark(text, what)
    else:
        (draft.picture if unfit(text) else draft.other)(what)


def _add_resolution(image: "Image.Image", draft: Draft) -> None:
    """Keep the resolution, or the pixels' aspect ratio, as PNG states them: in pixels per metre, or as a ratio."""
    if b"pHYs" in draft.display:
        return
    own = [float(side) / INCH for side in image.info.get("dpi", ())] if _states_resolution(image) else []
    sides = own if any(own) else draft.resolution
    ratio = image.info.get("jfif_density", (1, 1)) if image.info.get("jfif_unit") == 0 else (1, 1)
    if len(sides) == 2 and all(0 < side < MOST_PER_UNIT for side in sides):
        draft.display[b"pHYs"] = struct.pack(">IIB", *(int(side + 0.5) for side in sides), 1)
    elif any(sides):
        draft.lose("resolution", "PNG cannot hold it")
    elif ratio[0] != ratio[1] and all(ratio):
        draft.display[b"pHYs"] = struct.pack(">IIB", *ratio, 0)


def _states_resolution(image: "Image.Image") -> bool:
    """Return whether the resolution that Pillow reports is the format's own, and not one of the tags or made up."""
    if image.format in {"JPEG", "MPO"}:
        return image.info.get("jfif_unit") in {1, 2}
    return image.format != "TIFF"


def _chunks(draft: Draft) -> Iterator[Chunk]:
    """Yield the chunks in the order in which they are written."""
    if b"iCCP" in draft.display:
        draft.display.pop(b"sRGB", None)  # PNG allows only one of them
    for kind in sorted(draft.display, key=lambda kind: (kind != b"iCCP", kind)):
        yield Chunk(kind, draft.display[kind])
    if exif := write_directories(draft.exif):
        yield Chunk(b"eXIf", exif)
    texts = [("XML:com.adobe.xmp", packet.decode())] if (packet := write_xmp(draft.xmp)) else []
    for keyword, text in texts + draft.texts:
        yield Chunk(b"iTXt", keyword.encode("latin-1") + bytes(5) + text.encode())
