"""The formats of ISO that are made of boxes: JPEG 2000 and AVIF."""

import struct
from collections.abc import Iterator

from bench.protect.metadata.block import Block, iptc

XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
EXIF_UUID = b"JpgTiffExif->JP2"
IPTC_UUID = bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38")


def read_jpeg_2000(content: bytes) -> Iterator[Block]:
    """Yield the blocks of a JPEG 2000 image; Pillow reads its comment, and that of a code stream without boxes."""
    if not content.startswith(b"\0\0\0\x0cjP  "):
        return
    for kind, body in _boxes(content):
        if kind == b"jp2h":
            of_colour = [data for inner, data in _boxes(body) if inner == b"colr"]
            yield from (Block("profile", "colour profile", data[3:]) for data in of_colour if data[0] in {2, 3})
        elif kind == b"uuid":
            yield _of_uuid(body[:16], body[16:])
        elif kind == b"jp2i":
            yield Block("lost", "JPEG 2000 intellectual property box", b"PNG has no place for it")
        elif kind not in {b"jP  ", b"ftyp", b"jp2c", b"rreq"}:
            yield Block("picture", f"JPEG 2000 box {kind.decode('latin-1')!r}")


def _of_uuid(number: bytes, data: bytes) -> Block:
    if number == XMP_UUID:
        return Block("xmp", "XMP", data)
    if number == EXIF_UUID:
        return Block("exif", "EXIF", data)
    return iptc(data) if number == IPTC_UUID else Block("picture", "JPEG 2000 box 'uuid'")


def read_avif(content: bytes) -> Iterator[Block]:
    """Yield what Pillow does not tell of: it reads EXIF and XMP data, and those of the first picture only."""
    for kind, body in _boxes(content):
        if kind == b"meta":
            told = {b"thmb": "AVIF thumbnail", b"tmap": "AVIF gain map"}
            yield from (Block("picture", name) for sign, name in told.items() if sign in body)
        elif kind not in {b"ftyp", b"mdat", b"free", b"moov"}:
            yield Block("picture", f"AVIF box {kind.decode('latin-1')!r}")


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        head = 8
        if length == 1:
            length, head = struct.unpack_from(">Q", content, at + 8)[0], 16
        end = at + length if length else len(content)
        if end < at + head:
            raise ValueError("a box has no length")
        yield kind, content[at + head : end]
        at = end
