"""What is in one place of an image file besides its pixels."""

from collections.abc import Iterator
from typing import NamedTuple


class Block(NamedTuple):
    """Bytes that lie in one place.

    Attributes:
        kind: `exif`, `xmp`, `photoshop`, `iptc`, `profile`: data in that format; `chunk`: of a PNG, on display;
            `author`, `text`, `remark`: a text that is the owner's name, has the keyword `name`, or is a comment;
            `picture`, `unknown`, `lost`: what is not kept, since it shows a picture, or can if it is large enough, or
            although it is about the owner or display.
        name: what it is called in the report; a text's keyword.
        data: its bytes; the reason, where it is lost.
    """

    kind: str
    name: str
    data: bytes = b""


CREDENTIALS = Block("lost", "Content Credentials (C2PA)", b"signed for the original's pixels, usually with a thumbnail")


def iptc(data: bytes) -> Block:
    """Return IPTC fields, or Photoshop's resources with such fields in them."""
    found = data.find(b"8BIM")
    return Block("iptc", "IPTC", data) if found < 0 else Block("photoshop", "Photoshop resources", data[found:])


def after(content: bytes, end: int) -> Iterator[Block]:
    """Yield what follows the image in its file, unless it is but filling."""
    if content[end:].strip(b"\0\r\n\x1a "):
        yield Block("picture", "data after the end of the image")
