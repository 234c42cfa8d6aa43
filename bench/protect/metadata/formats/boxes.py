"""The ISO formats that consist of boxes: JPEG 2000 and AVIF."""

import struct
from collections.abc import Iterator
from io import BytesIO

from bench.protect.metadata.block import Block, iptc

XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
EXIF_UUID = b"JpgTiffExif->JP2"
IPTC_UUID = bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38")
UNSTATED = (2, 2)  # numbers of a colour space's primaries and transfer function, here those that say nothing
SRGB = {(1, 13), (1, 2), (2, 13)}  # which is assumed where a PNG says nothing


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
            yield Block("unknown", f"JPEG 2000 box {kind.decode('latin-1')!r}", body)


def _of_uuid(number: bytes, data: bytes) -> Block:
    if number == XMP_UUID:
        return Block("xmp", "XMP", data)
    if number == EXIF_UUID:
        return Block("exif", "EXIF", data)
    return iptc(data) if number == IPTC_UUID else Block("unknown", "JPEG 2000 box 'uuid'", data)


def read_avif(content: bytes) -> Iterator[Block]:
    """Yield the blocks of an AVIF image."""
    for kind, body in _boxes(content):
        if kind == b"meta":
            inside = dict(_boxes(body[4:]))
            places = dict(_locations(inside.get(b"iloc", b"")))
            for number, what in _items(inside.get(b"iinf", b"")):
                start, length = places.get(number, (0, 0))
                yield from _of_item(what, content[start : start + length])
            depth = body.partition(b"av1C")[2][2:3]
            if depth and depth[0] & 0x40:
                yield Block("lost", "pixel depth", b"more than 8 bits a channel; the PNG has 8")
            if b"thmb" in inside.get(b"iref", b""):
                yield Block("picture", "AVIF thumbnail")
            yield from _colour_space(dict(_boxes(inside.get(b"iprp", b""))).get(b"ipco", b""))
        elif kind not in {b"ftyp", b"mdat", b"free", b"moov"}:
            yield Block("unknown", f"AVIF box {kind.decode('latin-1')!r}", body)


def _colour_space(properties: bytes) -> Iterator[Block]:
    """Yield the colour space of an AVIF image, unless it has a profile or is in sRGB."""
    colours = [body for kind, body in _boxes(properties) if kind == b"colr"]
    if any(body[:4] != b"nclx" for body in colours):  # a profile, which counts first
        return
    spaces = {struct.unpack_from(">HH", body, 4) for body in colours} - {UNSTATED}
    if spaces <= SRGB:
        return
    if len(spaces) > 1:
        yield Block("lost", "colour space", b"there are several, for different pictures in the file")
    else:
        yield Block("chunk", "cICP", bytes([*spaces.pop(), 0, 1]))  # of RGB pixels that use the full range


def _of_item(what: bytes, data: bytes) -> Iterator[Block]:
    if what == b"Exif":
        (skipped,) = struct.unpack_from(">I", data)  # bytes before the data proper
        yield Block("exif", "EXIF", data[4 + skipped :])
    elif what == b"application/rdf+xml":
        yield Block("xmp", "XMP", data)
    elif what not in {b"av01", b"grid"}:  # the picture, or one made of tiles
        yield Block("unknown", f"AVIF item {what.decode('latin-1')!r}", data)


def _items(box: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the number and kind of every item; for an embedded file, its MIME type."""
    for _, body in _boxes(box[6 if box[:1] == b"\0" else 8 :]):
        wide = body[0] > 2
        number = int.from_bytes(body[4 : 8 if wide else 6], "big")
        rest = body[10 if wide else 8 :]
        yield number, rest[4:].split(b"\0")[1] if rest[:4] == b"mime" else rest[:4]


def _locations(box: bytes) -> Iterator[tuple[int, tuple[int, int]]]:
    """Yield the number, start and length of every item that is stored in the file in one piece."""
    file = BytesIO(box)

    def number(size: int) -> int:
        return int.from_bytes(file.read(size), "big")

    version = number(4) >> 24
    sizes = number(2)
    of_offset, of_length, of_base, of_index = (sizes >> 12) & 15, (sizes >> 8) & 15, (sizes >> 4) & 15, sizes & 15
    for _ in range(number(4 if version > 1 else 2)):
        if file.tell() >= len(box):
            raise ValueError("an AVIF's list of items is cut off")
        item = number(4 if version > 1 else 2)
        inside = number(2) & 15 if version else 0  # 0 where offsets are from the start of the file
        number(2)
        base, pieces = number(of_base), number(2)
        found = []
        for _ in range(pieces):
            number(of_index if version else 0)
            found.append((base + number(of_offset), number(of_length)))
        if len(found) == 1 and not inside:
            yield item, found[0]


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        head = 8
        if length == 1:
            length, head = struct.unpack_from(">Q", content, at + 8)[0], 16
        end = at + length if length else len(content)
        if end < at + head:
            raise ValueError("a box has an invalid length")
        yield kind, content[at + head : end]
        at = end
