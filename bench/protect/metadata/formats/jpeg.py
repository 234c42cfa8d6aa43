"""JPEG and its segments."""

import re
import struct
from collections.abc import Iterator

from bench.protect.metadata.block import CREDENTIALS, Block, after

_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # except for zeros in the data, and restarts
_XMP = re.compile(rb"(?:http|XMP\0)://ns\.adobe\.com/xap/1\.0/\0")  # the second as some programs write it
_END = 0xD9
_EXIF = b"Exif\0\0"
_PHOTOSHOP = b"Photoshop 3.0\0"
_TOLD = {"JFXX": "JFXX thumbnail", "MPF": "further pictures (MPF)"}


def read_jpeg(content: bytes) -> Iterator[Block]:
    """Yield the blocks of a JPEG, or of the first of several in a file."""
    exif, resources, end = b"", b"", len(content)
    for marker, body, after_it in _segments(content):
        if marker == 0xE1 and body.startswith(_EXIF):
            exif += body.removeprefix(_EXIF)  # in as many segments as it takes
        elif marker == 0xED and body.startswith(_PHOTOSHOP):
            resources += body.removeprefix(_PHOTOSHOP)
        elif 0xE0 <= marker <= 0xEF:
            yield from _application(marker - 0xE0, body)
        elif marker == 0xFE:
            yield Block("remark", "JPEG comment", body)
        elif marker == _END:
            end = after_it
    if exif:
        yield Block("exif", "EXIF", exif)
    if resources:
        yield Block("photoshop", "Photoshop resources", resources)
    yield from after(content, end)


def _segments(content: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Yield the marker of every segment, its content, and where it ends; the last one is the end of the image."""
    at, marker = 2, 0
    while marker != _END and (found := _MARKER.search(content, at)):
        marker, at = content[found.end() - 1], found.end()
        length = struct.unpack_from(">H", content, at)[0] if marker not in {0x01, _END} else 0
        yield marker, content[at + 2 : at + length], at + length
        at += length


def _application(number: int, body: bytes) -> Iterator[Block]:
    """Yield the blocks of an application segment."""
    name = body[:40].partition(b"\0")[0].decode("latin-1")
    if body.startswith((b"JFIF\0", b"Adobe")) or (number == 2 and name == "ICC_PROFILE"):
        if number == 0 and body[12:14] != b"\0\0" and len(body) > 14:
            yield Block("picture", "JFIF thumbnail")
    elif found := _XMP.match(body):
        yield Block("xmp", "XMP", body[found.end() :])
    elif number == 11 and body.startswith(b"JP"):
        yield CREDENTIALS
    else:
        yield (
            Block("picture", _TOLD[name])
            if name in _TOLD
            else Block("unknown", f"JPEG segment APP{number} {name!r}", body)
        )
