"""Damage: what cannot be kept is reported, and whatever is kept can be read back from the PNG."""

import random
import struct
from collections.abc import Callable
from typing import Any

import pytest

from bench.data.decode import ImageError

Made = Any  # the class in conftest.py
Builder = Callable[[Made], bytes]
Copied = Callable[..., Any]  # the fixture in conftest.py
TEXTS = ("Zoë", "\r\n", "\r", "\t", " ", "\u00a0", "\u2028", "\u0085", "&#13;", "&lt;", "图", "(c)", "a" * 50, "\ufeff")
VALUES = (
    "{}",
    "<rdf:Seq><rdf:li>{}</rdf:li><rdf:li>me</rdf:li></rdf:Seq>",
    '<rdf:Alt><rdf:li xml:lang="x-default">{}</rdf:li></rdf:Alt>',
    '{}<rdf:Description plus:LicensorName="me"><plus:LicensorURL>{}</plus:LicensorURL></rdf:Description>',
)


def rich(made: Made, chance: random.Random) -> bytes:
    """Return a JPEG with metadata of all kinds and strange texts."""

    def text() -> str:
        return "".join(chance.choices(TEXTS, k=chance.randrange(5)))

    def plain() -> bytes:
        return text().replace("&#13;", "\0").replace("&lt;", "<").encode(chance.choice(["utf-8", "latin-1"]), "replace")

    names = ("dc:creator", "dc:rights", "xmpRights:UsageTerms", "photoshop:Credit", "xmp:Rating")
    properties = "".join(f"<{name}>{chance.choice(VALUES).replace('{}', text())}</{name}>" for name in names)
    fields = made.iptc(*((number, plain()) for number in (80, 80, 110, 115, 116, 118, 120)))
    resources = made.resource(0x0404, fields) + made.resource(0x040A, b"\1") + made.resource(0x040B, plain())
    exif = made.exif(t0x013B=plain(), t0x8298=plain(), t0x9C9D=text().encode("utf-16-le"), t0x0112=chance.randrange(10))
    packet = made.packet(properties, f'xmpRights:Marked="{text()}"')
    return made.jpeg((0xED, b"Photoshop 3.0\0" + resources), exif=exif, xmp=packet, comment=plain())


@pytest.mark.parametrize("seed", range(40))
def test_strange_texts(seed: int, made: Made, copied: Copied) -> None:
    assert copied("a.jpg", rich(made, random.Random(seed))).metadata.chunks


@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "avif", "gif", "tif", "jp2", "bmp"])
def test_damaged_files(kind: str, made: Made, copied: Copied) -> None:
    chance, names = random.Random(kind), {"jpg": "JPEG", "tif": "TIFF", "jp2": "JPEG2000"}
    options: dict[str, bytes] = {}
    if kind not in {"gif", "jp2", "bmp"}:
        options["icc_profile"] = made.profile
    if kind in {"jpg", "webp", "avif"}:
        options |= {"exif": made.exif(t0x013B="Zoe"), "xmp": made.packet("<dc:creator>Zoe</dc:creator>")}
    whole, read = made.saved(names.get(kind, kind.upper()), **options), 0
    for _ in range(60):
        content = bytearray(whole)
        for _ in range(chance.choice([1, 2, 10])):
            content[chance.randrange(len(content))] = chance.randrange(256)
        try:
            copied(f"a.{kind}", bytes(content))
        except ImageError:
            continue
        read += 1
    assert read


@pytest.mark.parametrize(
    ("build", "lost"),
    [
        (lambda made: made.saved("JPEG", exif=made.exif(t0x8298="c" * 9999)), "EXIF Copyright (9,999 char"),
        (lambda made: made.saved("JPEG", exif=made.exif(t0x013B=f"A{chr(7)}")), "EXIF Artist (it has control"),
        (lambda made: made.png((b"eXIf", b"not EXIF")), "EXIF (damaged: it is not a TIFF structure)"),
        (lambda made: made.png((b"eXIf", b"II*\0\x08\0\0\0\x09\0\1")), "EXIF tags (main) (damaged)"),
        (lambda made: made.saved("JPEG", xmp=b"<x:xmpmeta"), "XMP (damaged: unclosed token"),
        (
            lambda made: made.saved("JPEG", xmp=b'<!DOCTYPE a [<!ENTITY b "me">]><a>&b;</a>'),
            "XMP (damaged: it declares entities)",
        ),
        (lambda made: made.png((b"zTXt", b"Copyright\0\0damaged")), "PNG chunk zTXt 'Copyright' (damaged)"),
        (lambda made: made.png((b"tEXt", b"Copyright\0" + b"me " * 400_000)), "PNG text 'Copyright' (over 1 MB)"),
        (lambda made: made.png((b"iCCP", b"ICC Profile\0\0damaged")), "PNG chunk iCCP 'ICC Profile' (damaged)"),
        (lambda made: made.png((b"caBX", b"jumbf")), "Content Credentials (C2PA) (signed for"),
        (lambda made: made.jpeg((0xEB, b"JP\0\1jumbf")), "Content Credentials (C2PA) (signed for"),
        (lambda made: made.jpeg((0xED, b"Photoshop 3.0\0" + b"8BIM\4\4\0\0\0")), "Photoshop resources (damaged: "),
        (
            lambda made: made.jpeg((0xED, b"Photoshop 3.0\0" + made.resource(0x040A, b"\0") + b"MeSa and more")),
            "Photoshop resources (the last 13 bytes are in an unknown form)",
        ),
        (
            lambda made: made.jpeg((0xED, b"Photoshop 3.0\0" + made.resource(0x0404, made.iptc() + b"me\0\0"))),
            "IPTC (the last 4 bytes are in an unknown form)",
        ),
        (
            lambda made: made.jpeg((0xE2, b"ICC_PROFILE\0\1\2" + made.profile[:99])),
            "colour profile (damaged: one of its segments is missing)",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_said(build: Builder, lost: str, made: Made, copied: Copied) -> None:
    content = build(made)
    copy = copied("a.png" if content.startswith(b"\x89PNG") else "a.jpg", content)
    (said,) = copy.metadata.lost
    assert said.startswith(lost)


def overlapping(count: int) -> bytes:
    """Return EXIF data with tags each of which claims the whole of them."""
    size = 10 + 12 * count + 4
    tags = b"".join(struct.pack("<HHII", 0xA000 + number, 2, size, 0) for number in range(count))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", count) + tags + bytes(4)


def photoshop(made: Made, *fields: tuple[int, bytes]) -> bytes:
    """Return a JPEG with IPTC fields."""
    return bytes(made.jpeg((0xED, b"Photoshop 3.0\0" + made.resource(0x0404, made.iptc(*fields)))))


@pytest.mark.parametrize(
    ("build", "lost"),
    [
        (
            lambda made: photoshop(made, (80, b"me " * 400), (80, b"you " * 300)),
            "IPTC By-line (with those before it: 2,399 characters, at most 2,000)",
        ),
        (
            lambda made: photoshop(made, *((80, b"author %d" % number) for number in range(3000))),
            "IPTC By-line (with those before it: 2,0",
        ),
        (
            lambda made: photoshop(made, (116, "me\uffff".encode())),
            "IPTC Copyright Notice (it has control characters)",
        ),
        (
            lambda made: made.png((b"eXIf", overlapping(9_000))),
            "EXIF tags (main) (damaged)",
        ),
    ],
    ids=["two long authors", "many authors", "no character", "overlapping tags"],
)
def test_what_a_png_could_not_give_back_is_lost_at_once(build: Builder, lost: str, made: Made, copied: Copied) -> None:
    """Otherwise it would not be found in the written PNG, which ends the whole run."""
    content = build(made)
    copy = copied("a.png" if content.startswith(b"\x89PNG") else "a.jpg", content)
    assert any(text.startswith(lost) for text in copy.metadata.lost), copy.metadata.lost


def test_a_tag_that_is_cut_off_takes_no_other_with_it(made: Made, copied: Copied) -> None:
    """As a MakerNote that another program has shortened."""
    tags = struct.pack("<HHII", 0x0110, 2, 9_000, 8) + struct.pack("<HHII", 0x8298, 2, 3, 0x656D)  # "me"
    content = b"II*\0\x08\0\0\0" + struct.pack("<H", 2) + tags + bytes(4)
    assert b"me\0" in copied("a.png", made.png((b"eXIf", content))).content()


def test_a_long_run_of_fill_bytes_takes_no_longer(made: Made, copied: Copied) -> None:
    """It would take hours if every byte of the run were a new start of a marker."""
    whole = made.saved("JPEG")
    copied("a.jpg", whole[:-2] + b"\xff" * 2_000_000 + b"\0" + whole[-2:])
