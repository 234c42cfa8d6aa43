"""PNG and its chunks."""

import re
import zlib
from collections.abc import Iterator
from io import BytesIO

from bench.data.png import TEXTS, Chunk, inflated, places, text_of
from bench.protect.metadata.block import CREDENTIALS, Block, after, iptc

# keywords of texts that say who owns the image
OWNERS = frozenset((
    *("artist", "author", "author title", "contact", "copyright", "creator", "credit", "disclaimer", "licence"),
    *("license", "owner", "rights"),
))  # fmt: skip
TOO_LONG = b"over 1 MB"
DISPLAY = {b"cHRM": 32, b"gAMA": 4, b"sRGB": 1, b"cICP": 4, b"mDCV": 24, b"cLLI": 8, b"pHYs": 9}  # bytes of each
_PIXELS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"sBIT"}
_RAW_PROFILE = re.compile(r"Raw profile type (exif|app1|iptc|8bim|xmp)", re.IGNORECASE)


def read_png(content: bytes) -> Iterator[Block]:
    """Yield the blocks of a PNG."""
    end = 0
    for place in places(BytesIO(content)):
        chunk = Chunk(place.kind, content[place.start : place.start + place.length])
        end = place.start + place.length + 4
        try:
            yield from _blocks(chunk)
        except (ValueError, zlib.error):
            keyword = chunk.data.partition(b"\0")[0].decode("latin-1")
            yield Block("lost", f"PNG chunk {_name(chunk)} {keyword!r}", b"damaged")
    yield from after(content, end)


def _blocks(chunk: Chunk) -> Iterator[Block]:
    if chunk.kind in TEXTS:
        yield from _text(chunk)
    elif len(chunk.data) == DISPLAY.get(chunk.kind):
        yield Block("chunk", _name(chunk), chunk.data)
    elif chunk.kind == b"eXIf":
        yield Block("exif", "EXIF", chunk.data)
    elif chunk.kind == b"iCCP":
        profile = inflated(chunk.data.partition(b"\0")[2][1:])
        yield Block("lost" if profile is None else "profile", "colour profile", profile or TOO_LONG)
    elif chunk.kind == b"caBX":
        yield CREDENTIALS
    elif chunk.kind not in _PIXELS:
        yield Block("unknown", f"PNG chunk {_name(chunk)}", chunk.data)


def _name(chunk: Chunk) -> str:
    return chunk.kind.decode("latin-1")


def _text(chunk: Chunk) -> Iterator[Block]:
    """Yield the blocks of a PNG text; programs of the ImageMagick family put whole profiles there, in hexadecimal."""
    keyword, text = text_of(chunk)
    if text is None:
        owner = keyword.lower() in OWNERS
        yield Block("lost" if owner else "picture", f"PNG text {keyword!r}{'' if owner else ' of over 1 MB'}", TOO_LONG)
    elif keyword == "XML:com.adobe.xmp":
        yield Block("xmp", "XMP", text.encode())
    elif raw := _RAW_PROFILE.fullmatch(keyword):
        data = bytes.fromhex("".join(text.split()[2:]))  # after the name and the length
        kind = raw[1].lower()
        if kind == "app1" and not data.startswith(b"Exif"):
            yield Block("xmp", "XMP", data.partition(b"\0")[2])
        elif kind in {"exif", "app1"}:
            yield Block("exif", "EXIF", data)
        elif kind == "xmp":
            yield Block("xmp", "XMP", data)
        else:
            yield iptc(data)
    else:
        yield Block("text", keyword, text.encode())
