"""Photoshop's resources, and the IPTC fields in them."""

import struct
from collections.abc import Iterator

from bench.protect.metadata.draft import Draft, decoded, unfit
from bench.protect.metadata.xmp import add_list, add_property, holds, property_texts, qualified, read_xmp

UTF_8 = b"\x1b%G"  # as declared in field 1:90
# fields of record 2 by number: name, the XMP property that the IPTC standard maps it to, and the keyword of a PNG text
# for a value that differs from the property's
FIELDS = {
    80: ("By-line", "dc:creator", "Author"),
    85: ("By-line Title", "photoshop:AuthorsPosition", "Author Title"),
    110: ("Credit", "photoshop:Credit", "Credit"),
    115: ("Source", "photoshop:Source", "Owner"),
    116: ("Copyright Notice", "dc:rights", "Copyright"),
    118: ("Contact", "", "Contact"),
}
CHARACTER_SET = (1, 90)
_SILENT = {(1, 0), CHARACTER_SET, (2, 0)}  # versions and character set
IPTC, COPYRIGHT_FLAG, COPYRIGHT_URL, XMP = 0x0404, 0x040A, 0x040B, 0x0424
_THUMBNAILS = (0x0409, 0x040C)
# resolution, and Photoshop's own notes on IPTC and clipping
_SILENT_RESOURCES = (0x03ED, 0x0425, 0x0426, 0x0414, 0x0419)


def read_photoshop(data: bytes, draft: Draft) -> None:
    """Keep what Photoshop's resources say about the owner.

    Raises:
        ValueError or another: if they are damaged.
    """
    for number, body in _resources(data, draft):
        if number == IPTC:
            read_iptc(body, draft)
        elif number == XMP:
            read_xmp(body, draft)
        elif number == COPYRIGHT_FLAG:
            if any(body):
                _fill("xmpRights:Marked", "True", draft)
        elif number == COPYRIGHT_URL:
            _fill("xmpRights:WebStatement", decoded(body), draft, "Photoshop copyright URL", "Copyright")
        elif number in _THUMBNAILS:
            draft.picture("Photoshop thumbnail")
        elif number not in _SILENT_RESOURCES:
            draft.unknown(f"Photoshop resource {number:#06x}", body)


def read_iptc(data: bytes, draft: Draft) -> None:
    """Keep the fields about the owner as XMP, which PNG can hold."""
    fields = list(_fields(data, draft))
    utf_8 = (CHARACTER_SET, UTF_8) in fields
    for (record, number), raw in fields:
        if record == 2 and number in FIELDS:
            name, target, keyword = FIELDS[number]
            text = raw.decode("utf-8", "replace") if utf_8 else decoded(raw)
            _fill(target, text, draft, f"IPTC {name}", keyword)
        elif (record, number) not in _SILENT:
            (draft.picture if unfit(decoded(raw)) else draft.other)(f"IPTC field {record}:{number:03d}")


def _fill(target: str, text: str, draft: Draft, what: str = "Photoshop copyright flag", keyword: str = "") -> None:
    """Keep a text as a property; as a PNG text where the property already says something else."""
    text = text.strip("\0 \t\r\n").strip()
    if why := unfit(text):
        draft.lose(what, why)
        return
    if not text:
        return
    name = qualified(target) if target else ""
    there = draft.xmp.get(name)
    if there is not None and holds(there, text):
        return
    if not target or (there is not None and target != "dc:creator"):
        if keyword:
            draft.keep_text(keyword, text, what)
        else:
            draft.lose(what, "XMP says something else")
        return
    if target == "dc:creator":
        lines = list(property_texts(there)) if there is not None else []
        if why := unfit("\n".join([*lines, text])):
            draft.lose(what, f"with those before it: {why}")
        else:
            add_list(name, "Seq", [*lines, text], draft)
    elif target == "dc:rights":
        add_list(name, "Alt", [text], draft)
    else:
        add_property(name, text, draft)


def _resources(data: bytes, draft: Draft) -> Iterator[tuple[int, bytes]]:
    at = 0
    while data[at : at + 4] == b"8BIM":
        (number,) = struct.unpack_from(">H", data, at + 4)
        at += 6 + (1 + data[at + 6] + 1) // 2 * 2  # a name, padded to an even length with its length byte
        (length,) = struct.unpack_from(">I", data, at)
        yield number, data[at + 4 : at + 4 + length]
        at += 4 + (length + 1) // 2 * 2
    _lose_rest(data[at:], "Photoshop resources", draft)


def _fields(data: bytes, draft: Draft) -> Iterator[tuple[tuple[int, int], bytes]]:
    at = 0
    while data[at : at + 1] == b"\x1c":
        record, number, length = struct.unpack_from(">BBH", data, at + 1)
        at += 5
        if length & 0x8000:  # for a long field, the length of the length
            size = length & 0x7FFF
            length = int.from_bytes(data[at : at + size], "big")
            at += size
        yield (record, number), data[at : at + length]
        at += length
    _lose_rest(data[at:], "IPTC", draft)


def _lose_rest(rest: bytes, what: str, draft: Draft) -> None:
    """Note what follows the last part that was understood, unless it is only padding."""
    if rest.strip(b"\0"):
        draft.lose(what, f"the last {len(rest):,} bytes are in an unknown form")
