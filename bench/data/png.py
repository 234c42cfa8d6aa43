"""PNG files as chunks, and files that Pillow refuses for long texts although their pixels are intact."""

import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

SIGNATURE = b"\x89PNG\r\n\x1a\n"
TEXTS = (b"tEXt", b"zTXt", b"iTXt")
MOST_TEXT = 1 << 20  # bytes of one text or colour profile, as in Pillow
MOST_TEXTS = 64 * MOST_TEXT  # of all texts of a file
FRAME = 12  # bytes of a chunk besides its data: length, kind, checksum


class Chunk(NamedTuple):
    """One chunk: its kind, four letters, and its data."""

    kind: bytes
    data: bytes

    @property
    def framed(self) -> bytes:
        """The chunk as stored in a file."""
        body = self.kind + self.data
        return struct.pack(">I", len(self.data)) + body + struct.pack(">I", zlib.crc32(body))


class ChunkPlace(NamedTuple):
    """Where a chunk's data begins in a file, and how long it should be; the file may end before."""

    kind: bytes
    start: int
    length: int


def places(file: BinaryIO) -> Iterator[ChunkPlace]:
    """Yield the place of every chunk up to `IEND` in a file that begins with the signature."""
    at, kind = len(SIGNATURE), b""
    while kind != b"IEND":
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head)
        yield ChunkPlace(kind, at + 8, length)
        at += length + FRAME


def inflated(data: bytes) -> bytes | None:
    """Return decompressed zlib data, or None if that is more than `MOST_TEXT` bytes.

    Raises:
        zlib.error: where it is damaged.
    """
    held = zlib.decompressobj().decompress(data, MOST_TEXT + 1)
    return held if len(held) <= MOST_TEXT else None


def text_of(chunk: Chunk) -> tuple[str, str | None]:
    """Return the keyword and text of a text chunk; None instead of a text longer than `MOST_TEXT`.

    Raises:
        ValueError: if it is damaged.
    """
    keyword, _, rest = chunk.data.partition(b"\0")
    packed, coding = chunk.kind == b"zTXt", "latin-1"
    rest = rest[1:] if packed else rest
    if chunk.kind == b"iTXt":
        packed, coding = rest[:1] == b"\1", "utf-8"
        rest = rest[2:].split(b"\0", 2)[-1]  # after the language tag and the translated keyword
    try:
        held = inflated(rest) if packed else rest
    except zlib.error as error:
        raise ValueError(str(error)) from error
    fits = held is not None and len(held) <= MOST_TEXT
    return keyword.decode("latin-1"), held.decode(coding, "replace") if held is not None and fits else None


def without_long_texts(path: Path) -> Path | io.BytesIO:
    """Return what Pillow should open: the file, or a PNG's content without texts or a profile too long for Pillow.

    Raises:
        OSError: if the file cannot be read.
    """
    with path.open("rb") as file:
        if file.read(len(SIGNATURE)) != SIGNATURE:
            return path
        long, total = [], 0
        for place in places(file):
            if place.kind in TEXTS or place.kind == b"iCCP":
                file.seek(place.start)
                size = _size(Chunk(place.kind, file.read(place.length)))
                total += size
                if size > MOST_TEXT or total > MOST_TEXTS:
                    long.append(place)
        if not long:
            return path
        file.seek(0)
        content = file.read()
    rest, at = io.BytesIO(), 0
    for place in long:
        rest.write(content[at : place.start - 8])
        at = place.start + place.length + FRAME - 8
    rest.write(content[at:])
    rest.seek(0)
    return rest


def _size(chunk: Chunk) -> int:
    """Return the bytes of a text or profile, or `MOST_TEXT` + 1 if it has more; 0 if damaged, for Pillow to judge."""
    try:
        if chunk.kind == b"iCCP":
            held = inflated(chunk.data.partition(b"\0")[2][1:])
        else:
            text = text_of(chunk)[1]
            held = None if text is None else text.encode()
    except (ValueError, zlib.error):
        return 0
    return MOST_TEXT + 1 if held is None else len(held)
