"""Blocks of an image file: the data in it besides the pixels."""

from collections.abc import Iterator
from typing import NamedTuple

from bench.protect.metadata.directories import read_directories

XMP, IPTC, PHOTOSHOP = 0x02BC, 0x83BB, 0x8649  # tags that hold data in other formats


class Block(NamedTuple):
    """Data in one place of a file.

    Attributes:
        kind: `exif`, `tiff`, `xmp`, `photoshop`, `iptc`, `profile`: data in that format; `chunk`: a PNG chunk about
            display; `author`, `text`, `remark`: a text that is the owner's name, has the keyword `name`, or is a
            comment. Not kept: `picture` shows a picture, `unknown` may if it is large enough, `lost` is about the
            owner or display.
        name: its name in the report; for `text`, the keyword.
        data: its bytes; for `lost`, the reason.
    """

    kind: str
    name: str
    data: bytes = b""


CREDENTIALS = Block("lost", "Content Credentials (C2PA)", b"signed for the original's pixels, usually with a thumbnail")


def iptc(data: bytes) -> Block:
    """Return IPTC fields, or Photoshop's resources with such fields in them."""
    found = data.find(b"8BIM")
    return Block("iptc", "IPTC", data) if found < 0 else Block("photoshop", "Photoshop resources", data[found:])


def within_tags(content: bytes) -> Iterator[Block]:
    """Yield the blocks in other formats that a TIFF structure holds, a file or EXIF data.

    Raises:
        ValueError or struct.error: if the content is something else.
    """
    tags = read_directories(content).tags["main"]
    for number, kind, name in (
        (XMP, "xmp", "XMP"),
        (PHOTOSHOP, "photoshop", "Photoshop resources"),
        (IPTC, "iptc", "IPTC"),
    ):
        if number in tags:
            data = tags[number].data
            if data is None:
                yield Block("lost", name, b"damaged")
                continue
            if kind == "iptc" and data[3:4] == b"\x1c" != data[:1]:  # stored as four-byte numbers, in reverse
                data = b"".join(data[at : at + 4][::-1] for at in range(0, len(data), 4))
            yield Block(kind, name, data)


def after(content: bytes, end: int) -> Iterator[Block]:
    """Yield a block for what follows the image in its file, unless it is only padding."""
    if content[end:].strip(b"\0\r\n\x1a "):
        yield Block("picture", "data after the end of the image")
