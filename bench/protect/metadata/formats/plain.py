"""Formats with metadata in few places: TIFF, WebP, BMP, TGA, PNM, SGI and ICO."""

import struct
from collections.abc import Iterator

from bench.data.png import SIGNATURE
from bench.protect.metadata.block import CREDENTIALS, Block, after
from bench.protect.metadata.formats.png import read_png

MOST_PICTURES = 100  # in an ICO


def read_tiff(content: bytes) -> Iterator[Block]:
    """Yield the one block of a TIFF, which holds the others."""
    yield Block("tiff", "TIFF tags", content)


def read_webp(content: bytes) -> Iterator[Block]:
    """Yield the blocks of a WebP."""
    at, end = 12, 8 + struct.unpack_from("<I", content, 4)[0]
    while at + 8 <= min(end, len(content)):
        kind, length = struct.unpack_from("<4sI", content, at)
        body = content[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
        if kind == b"EXIF":
            yield Block("exif", "EXIF", body)
        elif kind == b"XMP ":
            yield Block("xmp", "XMP", body)
        elif kind == b"C2PA":
            yield CREDENTIALS
        elif kind not in {b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ICCP", b"ANIM", b"ANMF"}:
            yield Block("unknown", f"WebP chunk {kind.decode('latin-1')!r}", body)
    yield from after(content, end)


def read_bmp(content: bytes) -> Iterator[Block]:
    """Yield the blocks of a BMP."""
    yield from read_dib(content[14:])
    (size,) = struct.unpack_from("<I", content, 2)
    if size:  # some leave it out
        yield from after(content, size)


def read_dib(content: bytes) -> Iterator[Block]:
    """Yield the blocks of a BMP without its file header."""
    (head,) = struct.unpack_from("<I", content)
    if head == 124:
        kind, start, length = struct.unpack_from("<4s52xII", content, 56)
        if kind == b"DEBM":  # "MBED" in reverse
            yield Block("profile", "colour profile", content[start : start + length])


def read_tga(content: bytes) -> Iterator[Block]:
    """Yield the blocks of a TGA."""
    yield Block("remark", "TGA image ID", content[18 : 18 + content[0]])
    if content[-18:] != b"TRUEVISION-XFILE.\0":
        return
    extension, developer = struct.unpack_from("<II", content, len(content) - 26)
    if developer:
        yield Block("picture", "TGA developer area")
    if extension:
        yield Block("author", "TGA author", content[extension + 2 : extension + 43].partition(b"\0")[0])
        lines = [content[extension + at : extension + at + 81].partition(b"\0")[0] for at in range(43, 367, 81)]
        yield Block("remark", "TGA comment", b"\n".join(filter(None, lines)))
        if struct.unpack_from("<I", content, extension + 486)[0]:
            yield Block("picture", "TGA postage stamp")


def read_pnm(content: bytes) -> Iterator[Block]:
    """Yield the blocks of a PBM, PGM or PPM."""
    words = 0  # of the header: kind, width, height and, except for black and white, the largest value
    for line in content[:4096].split(b"\n"):
        before, sign, comment = line.partition(b"#")
        words += len(before.split())
        if sign:
            yield Block("remark", "PNM comment", comment)
        if words >= (3 if content[1:2] in b"14" else 4):
            return


def read_sgi(content: bytes) -> Iterator[Block]:
    """Yield the blocks of an SGI image."""
    yield Block("remark", "SGI image name", content[24:104].partition(b"\0")[0])


def read_ico(content: bytes) -> Iterator[Block]:
    """Yield the blocks of an ICO."""
    (count,) = struct.unpack_from("<H", content, 4)
    if count > 1:
        yield Block("picture", "ICO pictures of other sizes")
    if count > MOST_PICTURES:
        raise ValueError(f"it has {count:,} pictures")
    for number in range(count):
        length, start = struct.unpack_from("<II", content, 6 + 16 * number + 8)
        if content[start : start + 8] == SIGNATURE:
            yield from read_png(content[start : start + length])
