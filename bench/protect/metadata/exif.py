"""EXIF data and TIFF tags: orientation, resolution, colour space, artist and copyright are kept, and nothing else."""

import struct
from collections.abc import Mapping

from bench.protect.metadata.directories import ASCII, BYTE, SHORT, UTF_8, Tag, TagPlace, read_directories
from bench.protect.metadata.draft import SMALL, Draft, decoded, unfit

ORIENTATION = ("main", 0x0112)
TEXTS = {
    ("main", 0x013B): "Artist",
    ("main", 0x8298): "Copyright",
    ("exif", 0xA430): "CameraOwnerName",
    ("exif", 0xA437): "Photographer",
    ("exif", 0xA438): "ImageEditor",
}
AUTHOR = ("main", 0x9C9D)  # written by Windows, in UTF-16
NUMBERS = {ORIENTATION: range(1, 9), ("exif", 0xA001): (1, 2, 0xFFFF)}  # and colour space, with their possible values
COLOUR_INDEX = ("interop", 1)  # which says Adobe RGB where the colour space says "other"
INDICES = (b"R03", b"R98", b"THM")
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 0x011A, 0x011B, 0x0128
INCH = 0.0254  # in metres
UNITS = {2: INCH, 3: 0.01}  # of the resolution; with any other it is only a ratio
# Where and how the file stores its own pixels, which the PNG states for itself, and what is read elsewhere
_OF_THE_FILE = frozenset((
    *(0x00FE, 0x0100, 0x0101, 0x0102, 0x0103, 0x0106, 0x010A, 0x0111, 0x0115, 0x0116, 0x0117, 0x0118, 0x0119, 0x011A),
    *(0x011B, 0x011C, 0x0128, 0x0129, 0x013D, 0x0140, 0x0142, 0x0143, 0x0144, 0x0145, 0x0152, 0x0153, 0x015B, 0x0200),
    *(0x0201, 0x0202, 0x0203, 0x0205, 0x0206, 0x0207, 0x0208, 0x0209, 0x0211, 0x0212, 0x0213, 0x0214, 0x8769, 0x8773),
    *(0x02BC, 0x83BB, 0x8649, 0x8825, 0x9000, 0x9101, 0x9102, 0xA000, 0xA002, 0xA003, 0xA005, 0xEA1C),
))  # fmt: skip
_CARRIERS = frozenset((0x014A, 0x927C, 0x935C))  # further directories, MakerNote, Photoshop's layers
_DAMAGED = "damaged"


def read_exif(data: bytes, draft: Draft) -> None:
    """Keep what says who owns the image and how it is displayed.

    Raises:
        ValueError or struct.error: if the data is damaged.
    """
    _read(data, draft, "EXIF")


def read_tiff_tags(data: bytes, draft: Draft) -> None:
    """Do the same for the tags of a TIFF file."""
    _read(data, draft, "TIFF")


def _read(data: bytes, draft: Draft, container: str) -> None:
    found = read_directories(data)
    for name in found.damaged:
        if name in {"main", "exif"}:
            draft.lose(f"{container} tags ({name})", _DAMAGED)
    if found.tags["gps"]:
        draft.other(f"{container} GPS position")
    if found.tags["next"]:
        draft.picture(f"{container} thumbnail")
    draft.resolution = draft.resolution or _resolution(found.tags["main"])
    for directory in ("main", "exif", "interop"):
        for number, tag in found.tags[directory].items():
            _take((directory, number), tag, draft, f"{container} {_name(number)}")


def _resolution(tags: Mapping[int, Tag]) -> tuple[float, ...]:
    """Return the pixels per metre, across and down; nothing where they are not stated. The default unit is the inch."""
    unit = UNITS.get(tags[RESOLUTION_UNIT].number) if RESOLUTION_UNIT in tags else INCH
    sides = [tags[number].fraction for number in (X_RESOLUTION, Y_RESOLUTION) if number in tags]
    return tuple(side / unit for side in sides) if unit and len(sides) == 2 else ()


def _take(place: TagPlace, tag: Tag, draft: Draft, what: str) -> None:
    if place in TEXTS or place == AUTHOR:
        _keep_text(place, tag, draft, what)
    elif place in NUMBERS:
        _keep_number(place, tag, draft, what)
    elif place == COLOUR_INDEX:
        if (index := (tag.data or b"").strip(b"\0 ")) in INDICES:
            _keep(place, Tag(ASCII, index + b"\0", "<"), draft, what)
    elif place[0] != "interop" and place[1] not in _OF_THE_FILE:
        (draft.picture if place[1] in _CARRIERS or _may_show(tag) else draft.other)(what)


def _keep_text(place: TagPlace, tag: Tag, draft: Draft, what: str) -> None:
    if tag.data is None:
        draft.lose(what, _DAMAGED)
        return
    wide = place == AUTHOR
    text = (tag.data.decode("utf-16-le", "replace") if wide else decoded(tag.data)).strip("\0 ")
    # the photographer's and the editor's copyright are separated by a zero
    if why := unfit(text.replace("\0", "\n")):
        draft.lose(what, why)
    elif text:
        raw = f"{text}\0".encode("utf-16-le" if wide else "utf-8")
        _keep(place, Tag(BYTE if wide else ASCII, raw, "<"), draft, what)


def _keep_number(place: TagPlace, tag: Tag, draft: Draft, what: str) -> None:
    if place == ORIENTATION and draft.oriented:
        return
    if tag.number in NUMBERS[place]:
        _keep(place, short(tag.number), draft, what)
    else:
        draft.lose(what, _DAMAGED)


def _keep(place: TagPlace, tag: Tag, draft: Draft, what: str) -> None:
    if draft.exif.setdefault(place, tag) != tag:
        draft.lose(what, "it occurs twice, with different values")


def short(number: int) -> Tag:
    """Return a tag that holds a 16-bit number."""
    return Tag(SHORT, struct.pack("<H", number), "<")


def _may_show(tag: Tag) -> bool:
    """Return whether a tag can hold a picture."""
    if tag.data is None or len(tag.data) <= SMALL:
        return False
    return tag.kind not in {ASCII, UTF_8} or bool(unfit(decoded(tag.data).strip("\0")))


def _name(number: int) -> str:
    from PIL import ExifTags

    return str(ExifTags.TAGS.get(number, f"tag {number:#06x}"))
