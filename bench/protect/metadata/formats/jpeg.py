"""JPEG and its segments."""

import re
import struct
from collections.abc import Iterator

from bench.protect.metadata.block import CREDENTIALS, Block, after

_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")  # but for zeros in the data, and restarts
_PHOTOSHOP = b"Photoshop 3.0\0"
_TOLD = {"JFXX": "JFXX thumbnail", "MPF": "further pictures (MPF)"}


def read_jpeg(content: bytes) -> Iterator[Block]:
    """Yield the blocks of a JPEG, of several the first."""
    at, resources = 2, b""
    while True:
        found = _MARKER.search(content, at)
        if not found:
            return
        marker, at = content[found.end() - 1], found.end()
        if marker == 0xD9:
            break
        if marker == 0x01:
            continue
        (length,) = struct.unpack_from(">H", content, at)
        body = content[at + 2 : at + length]
        at += length
        if marker == 0xED and body.startswith(_PHOTOSHOP):
            resources += body.removeprefix(_PHOTOSHOP)  # one after the other, in as many segments as they take
        elif 0xE0 <= marker <= 0xEF:
            yield from _segment(marker - 0xE0, body)
        elif marker == 0xFE:
            yield Block("remark", "JPEG comment", body)
    if resources:
        yield Block("photoshop", "Photoshop resources", resources)
    yield from after(content, at)


def _segment(number: int, body: bytes) -> Iterator[Block]:
    """Yield what an application segment has."""
    name = body[:40].partition(b"\0")[0].decode("latin-1")
    if body.startswith((b"JFIF\0", b"Adobe")) or (number == 2 and name == "ICC_PROFILE"):
        if number == 0 and body[12:14] != b"\0\0" and len(body) > 14:
            yield Block("picture", "JFIF thumbnail")
    elif body.startswith(b"Exif\0"):
        yield Block("exif", "EXIF", body)
    elif body.startswith(b"http://ns.adobe.com/xap/1.0/\0"):
        yield Block("xmp", "XMP", body.partition(b"\0")[2])
    elif number == 11 and body.startswith(b"JP"):
        yield CREDENTIALS
    else:
        yield Block("picture", _TOLD.get(name, f"JPEG segment APP{number} {name!r}"))
