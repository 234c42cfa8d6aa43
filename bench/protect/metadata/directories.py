"""Read and write the tag directories that TIFF files and EXIF data consist of."""

import math
import struct
from collections.abc import Mapping
from typing import NamedTuple

# directories whose location is given by a tag of another
SUB = {"exif": ("main", 0x8769), "gps": ("main", 0x8825), "interop": ("exif", 0xA005)}
ASCII, BYTE, SHORT, LONG, UTF_8 = 2, 1, 3, 4, 129
_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8, 129: 1}
_LETTERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_FRACTIONS = {5: "II", 10: "ii", 11: "f", 12: "d"}
TagPlace = tuple[str, int]  # the name of a directory, and the number of a tag


class Tag(NamedTuple):
    """What a tag holds; `data` is None where it is cut off or of an unknown type."""

    kind: int
    data: bytes | None
    order: str

    @property
    def number(self) -> int:
        """The first of its numbers, or -1 where it has none."""
        letter = _LETTERS.get(self.kind)
        if not self.data or not letter:
            return -1
        return int(struct.unpack_from(self.order + letter, self.data)[0])

    @property
    def fraction(self) -> float:
        """The first of its numbers, whole or not; nan where it has none or divides by zero."""
        form = (_LETTERS | _FRACTIONS).get(self.kind)
        if not self.data or not form:
            return math.nan
        above, below = (*struct.unpack_from(self.order + form, self.data), 1)[:2]
        return float(above / below) if below else math.nan


class Directories(NamedTuple):
    """The tags of each directory (`main`, those in `SUB`, and `next`), and the names of those that are damaged."""

    tags: dict[str, dict[int, Tag]]
    damaged: list[str]


def read_directories(content: bytes) -> Directories:
    """Read a TIFF structure, with or without `Exif` before it.

    Raises:
        ValueError or struct.error: if the content is something else.
    """
    content = content.removeprefix(b"Exif\0\0").removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(content[:2])
    if order is None:
        raise ValueError("it is not a TIFF structure")
    big = struct.unpack_from(order + "H", content, 2)[0] == 43
    (start,) = struct.unpack_from(order + ("Q" if big else "I"), content, 8 if big else 4)
    found = Directories({}, [])

    def read(name: str, at: int) -> int:
        found.tags[name] = {}
        try:
            return _read(content, at, order, found.tags[name], big=big) if at > 0 else 0
        except struct.error:
            found.damaged.append(name)
            return 0

    read("next", read("main", start))
    for name, (above, number) in SUB.items():
        tag = found.tags[above].get(number)
        read(name, tag.number if tag else 0)
    return found


def _read(content: bytes, at: int, order: str, tags: dict[int, Tag], *, big: bool) -> int:
    """Add a directory's tags, and return where the next directory begins; 0 where there is none.

    Raises:
        struct.error: where it is cut off, or its values overlap.
    """
    count_form, form, place_form, room = ("Q", "HHQ", "Q", 8) if big else ("H", "HHI", "I", 4)
    (count,) = struct.unpack_from(order + count_form, content, at)
    at += struct.calcsize(order + count_form)
    left = len(content)  # together, values are not larger than the file unless they overlap
    for _ in range(count):
        number, kind, many = struct.unpack_from(order + form, content, at)
        at += struct.calcsize(order + form)
        length, place = many * _BYTES.get(kind, 0), at
        if length > room:
            (place,) = struct.unpack_from(order + place_form, content, at)
        data = content[place : place + length]
        left -= len(data)
        if left < 0:
            raise struct.error
        tags.setdefault(number, Tag(kind, data if len(data) == length and kind in _BYTES else None, order))
        at += room
    end = content[at : at + room]  # some programs leave it out
    return int(struct.unpack(order + place_form, end)[0]) if len(end) == room else 0


def write_directories(kept: Mapping[TagPlace, Tag]) -> bytes:
    """Return a TIFF structure with these tags; empty where there are none."""
    of: dict[str, dict[int, Tag | dict[int, Tag]]] = {name: {} for name in ("main", *SUB)}
    for (name, number), tag in kept.items():
        of[name][number] = tag
    for name in reversed(SUB):
        above, number = SUB[name]
        if of[name]:
            of[above][number] = of[name]  # type: ignore[assignment]
    return b"II*\0\x08\0\0\0" + _written(of["main"], 8) if of["main"] else b""


def _written(tags: Mapping[int, "Tag | dict[int, Tag]"], at: int) -> bytes:
    """Return a directory for the offset `at`: its entries, followed by the values too long for an entry."""
    end = at + 2 + 12 * len(tags) + 4
    entries, rest = b"", b""
    for number in sorted(tags):
        tag = tags[number]
        if isinstance(tag, dict):
            kind, count, data = LONG, 1, struct.pack("<I", end + len(rest))
            rest += _written(tag, end + len(rest))
        else:
            kind, value = tag.kind, tag.data or b""
            count, data = len(value) // _BYTES[kind], value.ljust(4, b"\0")
            if len(value) > 4:
                data = struct.pack("<I", end + len(rest))
                rest += value + b"\0" * (len(value) % 2)
        entries += struct.pack("<HHI", number, kind, count) + data
    return struct.pack("<H", len(tags)) + entries + bytes(4) + rest
