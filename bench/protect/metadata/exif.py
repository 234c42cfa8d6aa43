"""EXIF data: orientation, colour space, artist and copyright; all else is dropped."""

import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bench.protect.metadata.draft import Draft, decoded, unfit

if TYPE_CHECKING:
    from PIL import Image

EXIF, INTEROP, GPS, THUMBNAIL = 0x8769, 0xA005, 0x8825, 1  # directories as Pillow numbers them
ORIENTATION = ("main", 0x0112)
TEXTS = {
    ("main", 0x013B): "Artist",
    ("main", 0x8298): "Copyright",
    ("exif", 0xA430): "CameraOwnerName",
    ("exif", 0xA437): "Photographer",
    ("exif", 0xA438): "ImageEditor",
}
AUTHOR = ("main", 0x9C9D)  # of Windows, in UTF-16
NUMBERS = {ORIENTATION: range(1, 9), ("exif", 0xA001): (1, 2, 0xFFFF)}  # with colour space, and what they can be
COLOUR_INDEX = ("interop", 1)  # which says Adobe RGB where the colour space says "other"
INDICES = ("R03", "R98", "THM")
# Where in the file its own pixels lie and how; the PNG has its own. Nobody misses them.
_OF_THE_FILE = frozenset((
    *(0x00FE, 0x0100, 0x0101, 0x0102, 0x0103, 0x0106, 0x010A, 0x0111, 0x0115, 0x0116, 0x0117, 0x0118, 0x0119, 0x011A),
    *(0x011B, 0x011C, 0x0128, 0x0129, 0x013D, 0x0140, 0x0142, 0x0143, 0x0144, 0x0145, 0x0152, 0x0153, 0x015B, 0x0200),
    *(0x0201, 0x0202, 0x0203, 0x0205, 0x0206, 0x0207, 0x0208, 0x0209, 0x0211, 0x0212, 0x0213, 0x0214, 0x8769, 0x8773),
    *(0x02BC, 0x83BB, 0x8649, 0x8825, 0x9000, 0x9101, 0x9102, 0xA000, 0xA002, 0xA003, 0xA005, 0xEA1C),
))  # fmt: skip
_CARRIERS = frozenset((0x014A, 0x927C, 0x9286, 0x935C, 0xC634, 0xC65A, 0xC68F, 0xC6FC, 0xFE00))
_SUB = {"exif": EXIF, "interop": INTEROP}
ASCII, BYTE, SHORT, LONG = 2, 1, 3, 4


def read_exif(data: bytes, draft: Draft) -> None:
    """Keep what says who owns the image and how it is displayed.

    Args:
        data: a TIFF structure, with or without `Exif` before it.
        draft: takes it.

    Raises:
        ValueError or another: where it is damaged.
    """
    from PIL import Image

    if not data:
        return
    exif = Image.Exif()
    exif.load(data)
    read_tags(exif, draft, "EXIF")


def read_tags(exif: "Image.Exif", draft: Draft, container: str) -> None:
    """Do the same with tags that Pillow has read; `container` says where they come from."""
    inside = exif.get_ifd(EXIF)
    directories: dict[str, Mapping[int, Any]] = {"main": dict(exif), "exif": inside, "interop": exif.get_ifd(INTEROP)}
    if exif.get_ifd(GPS):
        draft.other(f"{container} GPS position")
    if container == "EXIF" and exif.get_ifd(THUMBNAIL):
        draft.picture("EXIF thumbnail")
    for directory, tags in directories.items():
        for tag, value in tags.items():
            place = (directory, tag)
            if place == ORIENTATION and draft.oriented:
                continue
            if place in TEXTS:
                _keep_text(place, value, draft, f"{container} {TEXTS[place]}")
            elif place == AUTHOR:
                _keep_author(value, draft, f"{container} XPAuthor")
            elif place in NUMBERS or place == COLOUR_INDEX:
                _keep_value(place, value, draft, f"{container} {_name(tag)}")
            elif directory != "interop" and tag not in _OF_THE_FILE:
                drop = draft.picture if tag in _CARRIERS else draft.other
                drop(f"{container} {_name(tag)}")


def write_exif(kept: Mapping[tuple[str, int], Any]) -> bytes:
    """Return the TIFF structure of what is kept; nothing where that is nothing."""
    if not kept:
        return b""
    of = {name: {tag: value for (where, tag), value in kept.items() if where == name} for name in ("main", *_SUB)}
    # a directory lies in the entry of the one before it
    if of["interop"]:
        of["exif"][_SUB["interop"]] = of["interop"]
    if of["exif"]:
        of["main"][_SUB["exif"]] = of["exif"]
    return b"II*\0" + struct.pack("<I", 8) + _directory(of["main"], 8)


def _directory(tags: Mapping[int, Any], at: int) -> bytes:
    """Return a directory that lies `at` bytes after the beginning: its entries, and after them what is too long."""
    end = at + 2 + 12 * len(tags) + 4
    entries, rest = b"", b""
    for tag in sorted(tags):
        value = tags[tag]
        if isinstance(value, dict):
            kind, count, data = LONG, 1, struct.pack("<I", end + len(rest))
            rest += _directory(value, end + len(rest))
        elif isinstance(value, int):
            kind, count, data = SHORT, 1, struct.pack("<HH", value, 0)
        else:
            kind, count, data = BYTE if tag == AUTHOR[1] else ASCII, len(value), value.ljust(4, b"\0")
            if len(value) > 4:
                data = struct.pack("<I", end + len(rest))
                rest += value + b"\0" * (len(value) % 2)
        entries += struct.pack("<HHI", tag, kind, count) + data
    return struct.pack("<H", len(tags)) + entries + bytes(4) + rest


def _keep_text(place: tuple[str, int], value: Any, draft: Draft, what: str) -> None:
    # Pillow reads these as Latin-1, whatever they are in
    raw = value.encode("latin-1", "replace") if isinstance(value, str) else value
    if not isinstance(raw, bytes):
        draft.lose(what, "it is no text")
        return
    text = decoded(raw).strip("\0 ")
    # the photographer's and the editor's copyright are parted by a zero
    if why := unfit(text.replace("\0", "\n")):
        draft.lose(what, why)
    elif text:
        _keep_value(place, text.encode() + b"\0", draft, what)


def _keep_author(value: Any, draft: Draft, what: str) -> None:
    raw = bytes(value) if isinstance(value, bytes | tuple) else b""
    text = raw.decode("utf-16-le", "replace").strip("\0 ")
    if why := unfit(text):
        draft.lose(what, why)
    elif text:
        _keep_value(AUTHOR, f"{text}\0".encode("utf-16-le"), draft, what)


def _keep_value(place: tuple[str, int], value: Any, draft: Draft, what: str) -> None:
    if place in NUMBERS and value not in NUMBERS[place]:
        draft.lose(what, "it has no such value")
        return
    if place == COLOUR_INDEX:
        index = str(value).strip("\0 ")
        if index not in INDICES:
            draft.other(what)
            return
        value = index.encode() + b"\0"
    if draft.exif.setdefault(place, value) != value:
        draft.lose(what, "it stands there twice, with another value")


def _name(tag: int) -> str:
    from PIL import ExifTags

    return str(ExifTags.TAGS.get(tag, f"tag {tag:#06x}"))
