"""Metadata on how an image is displayed is kept in its PNG, with the same meaning as in the original."""

import io
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.TiffImagePlugin import IFDRational, ImageFileDirectory_v2

from bench.protect.metadata.formats.boxes import read_avif

Made = Any  # the class in conftest.py
Copied = Callable[..., Any]  # the fixture in conftest.py


def converted(profile: bytes) -> np.ndarray:
    """Return the LAB colours that a profile gives a ramp."""
    ramp = Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3) * 5)
    target = ImageCms.createProfile("LAB")
    shown = ImageCms.profileToProfile(ramp, ImageCms.ImageCmsProfile(io.BytesIO(profile)), target, outputMode="LAB")
    return np.asarray(shown)


def profile_of(copy: Any) -> bytes:
    with Image.open(copy.path) as image:
        return image.info.get("icc_profile", b"")


def grey_profile() -> bytes:
    """Return a profile for grey pixels: a white point and a curve."""
    white = b"XYZ \0\0\0\0" + struct.pack(">III", 63190, 65536, 54061)
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, 563)
    bodies = white + curve + b"\0\0"
    table = struct.pack(">I4sII4sII", 2, b"wtpt", 156, 20, b"kTRC", 176, 14)
    head = struct.pack(">I4sI4s4s4s12x4s", 0, b"lcms", 0x02400000, b"mntr", b"GRAY", b"XYZ ", b"acsp").ljust(68, b"\0")
    head += struct.pack(">III", 63190, 65536, 54061)
    whole = head.ljust(128, b"\0") + table + bodies
    return struct.pack(">I", len(whole)) + whole[4:]


def with_profile(made: Made, profile: bytes) -> dict[str, bytes]:
    """Return an image with a profile in every format that can hold one."""
    files = {
        f"a.{kind.lower()}": made.saved(kind, icc_profile=profile) for kind in ("JPEG", "PNG", "WEBP", "AVIF", "TIFF")
    }
    whole = made.saved("GIF")
    end = 13 + 3 * 2 ** (whole[10] % 8 + 1)
    parts = b"".join(
        bytes([len(profile[at : at + 255])]) + profile[at : at + 255] for at in range(0, len(profile), 255)
    )
    files["a.gif"] = whole[:end] + b"\x21\xff\x0bICCRGBG1012" + parts + b"\0" + whole[end:]
    old = made.saved("BMP")
    head = old[14:54] + bytes(16) + b"DEBM" + bytes(48) + struct.pack("<IIII", 4, 70 + len(old), len(profile), 0)
    first = b"BM" + struct.pack("<IHHI", len(old) + 84 + len(profile), 0, 0, 138)
    files["a.bmp"] = first + struct.pack("<I", 124) + head[4:] + old[54:] + profile
    old = made.saved("JPEG2000")
    place = old.index(b"colr") - 4
    box = struct.pack(">I", len(profile) + 11) + b"colr\2\0\0" + profile
    longer = struct.unpack(">I", old[place : place + 4])[0]
    head = old.index(b"jp2h") - 4
    grown = struct.pack(">I", struct.unpack(">I", old[head : head + 4])[0] + len(box))
    files["a.jp2"] = old[:head] + grown + old[head + 4 : place + longer] + box + old[place + longer :]
    return files


def test_a_colour_profile_shows_the_same_colours(made: Made, copied: Copied) -> None:
    expected = converted(made.profile)
    for name, content in with_profile(made, made.profile).items():
        copy = copied(name, content)
        kept = profile_of(copy)
        assert kept, name
        assert np.array_equal(converted(kept), expected), name
        assert copy.metadata.lost == (), name


@pytest.mark.parametrize(
    ("grey", "channels", "kept"), [(True, 1, True), (True, 3, False), (False, 1, False), (False, 3, True)]
)
def test_a_colour_profile_is_kept_where_png_allows_it(
    grey: bool, channels: int, kept: bool, made: Made, copied: Copied
) -> None:
    file = io.BytesIO()
    profile = grey_profile() if grey else made.profile
    Image.linear_gradient("L").resize((9, 9)).save(file, "PNG", icc_profile=profile)
    copy = copied("a.png", file.getvalue(), channels)
    assert bool(profile_of(copy)) == kept
    assert bool(copy.metadata.lost) != kept
    if kept:
        ImageCms.ImageCmsProfile(io.BytesIO(profile_of(copy)))


@pytest.mark.parametrize("damage", ["head", "cut", "long"])
def test_a_profile_that_is_none_is_said_to_be_lost(damage: str, made: Made, copied: Copied) -> None:
    own = made.profile
    broken = {
        "head": own[:36] + b"none" + own[40:],
        "cut": own[: len(own) // 2],
        "long": own + bytes(2 << 20),
    }[damage]
    copy = copied("a.png", made.saved("PNG", icc_profile=broken))
    assert profile_of(copy) == b""
    assert len(copy.metadata.lost) == 1
    assert copy.metadata.lost[0].startswith("colour profile (")


def test_what_png_says_of_colour_and_resolution_is_kept(made: Made, copied: Copied) -> None:
    own = [
        (b"gAMA", struct.pack(">I", 45455)),
        (b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)),
        (b"cICP", bytes([9, 16, 0, 1])),
        (b"mDCV", bytes(24)),
        (b"cLLI", bytes(8)),
        (b"pHYs", struct.pack(">IIB", 2, 3, 0)),
        (b"sRGB", b"\1"),
    ]
    copy = copied("a.png", made.png(*own))
    assert {chunk.kind: chunk.data for chunk in copy.metadata.chunks} == dict(own)
    with Image.open(copy.path) as image:
        image.load()
        assert image.info["gamma"] == pytest.approx(0.45455)
        assert image.info["srgb"] == 1
        assert image.info["aspect"] == (2, 3)
    both = copied("b.png", made.png((b"sRGB", b"\1"), icc_profile=made.profile))
    assert [chunk.kind for chunk in both.metadata.chunks] == [b"iCCP"]  # PNG allows only one of the two


def test_a_resolution_is_kept_where_there_is_one_and_never_made_up(made: Made, copied: Copied) -> None:
    """Pillow itself reports 72 dots per inch for a JPEG with EXIF, and 1 for a TIFF, that state none.

    Of EXIF data it reads only those of a JPEG, and there the unit must be stated.
    """
    exif, several = made.exif(t0x013B="Ada"), {"save_all": True, "append_images": [Image.new("RGB", (32, 24))]}
    of_inch, of_centimetre = {"t0x011A": 300, "t0x011B": 300}, {"t0x011A": 118.11, "t0x011B": 118.11, "t0x0128": 3}
    without = {
        "a.jpg": made.saved("JPEG", exif=exif),
        "b.tif": made.saved("TIFF"),
        "c.jpg": made.saved("MPO", exif=exif, **several),
        "d.webp": made.saved("WEBP", exif=made.exif(**of_inch, t0x0128=1)),  # no unit
    }
    with_one = {
        "e.jpg": made.saved("JPEG", dpi=(300, 300)),
        "f.tif": made.saved("TIFF", dpi=(300, 300)),
        "g.jpg": made.saved("JPEG", exif=made.exif(**of_inch)),  # the default unit
        "h.jpg": made.saved("MPO", exif=made.exif(**of_inch, t0x0128=2), **several),
        **{f"i.{kind}": made.saved(kind, exif=made.exif(**of_centimetre)) for kind in ("PNG", "WEBP", "AVIF", "JPEG")},
    }
    for name, content in (without | with_one).items():
        kept = {chunk.kind: chunk.data for chunk in copied(name, content).metadata.chunks}.get(b"pHYs")
        assert kept == (struct.pack(">IIB", 11811, 11811, 1) if name in with_one else None), name


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_kept_and_pixels_are_not_turned(orientation: int, made: Made, copied: Copied) -> None:
    exif = made.exif(t0x0112=orientation)
    packet = made.packet(f"<tiff:Orientation>{orientation}</tiff:Orientation>")
    own = {
        "a.jpg": made.saved("JPEG", exif=exif),
        "a.webp": made.saved("WEBP", exif=exif),
        "a.png": made.saved("PNG", exif=exif),
        "a.avif": made.saved("AVIF", exif=exif),
        "b.jpg": made.saved("JPEG", xmp=packet),  # Pillow reads it from XMP too
    }
    for name, content in own.items():
        with Image.open(copied(name, content).path) as image:
            assert image.size == (32, 24)
            assert image.getexif().get(0x0112, 1) == orientation, name


def test_the_exif_data_of_avif_turn_nothing(made: Made, copied: Copied) -> None:
    content = made.saved("AVIF", exif=made.exif(t0x0106=6))
    before, after = (struct.pack(">HHIHH", tag, 3, 1, 6, 0) for tag in (0x0106, 0x0112))
    assert before in content
    with Image.open(copied("a.avif", content.replace(before, after)).path) as image:
        assert image.getexif().get(0x0112, 1) == 1


def test_a_tiff_is_turned_as_it_is_read(made: Made, copied: Copied) -> None:
    tags = ImageFileDirectory_v2()
    tags[0x0112] = 6
    content = made.saved("TIFF", tiffinfo=tags)
    copy = copied("a.tif", content)
    with Image.open(io.BytesIO(content)) as before, Image.open(copy.path) as after:
        before.load()
        assert before.size == after.size == (24, 32)
        assert 0x0112 not in after.getexif()
        assert np.array_equal(np.asarray(before), np.asarray(after))


def test_colour_space_of_cameras(made: Made, copied: Copied) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA001] = 0xFFFF
    exif.get_ifd(0x8769)[0xA005] = {1: "R03"}  # Adobe RGB
    with Image.open(copied("a.jpg", made.saved("JPEG", exif=exif.tobytes())).path) as image:
        found = image.getexif()
        assert found.get_ifd(0x8769)[0xA001] == 0xFFFF
        assert found.get_ifd(0xA005)[1] == "R03"


@pytest.mark.parametrize(
    ("above", "below", "kept"), [(300, 1, True), (0, 0, False), (1, 0, False), (4294967295, 1, False)]
)
def test_a_resolution_is_kept_where_png_can_hold_it(
    above: int, below: int, kept: bool, made: Made, copied: Copied
) -> None:
    tags = ImageFileDirectory_v2()
    tags[282] = tags[283] = IFDRational(above, below)
    tags[296] = 2  # per inch
    copy = copied("a.tif", made.saved("TIFF", tiffinfo=tags))
    with Image.open(copy.path) as out:
        assert out.info.get("dpi") == (pytest.approx((above, above), abs=0.1) if kept else None)
    assert copy.metadata.lost == (() if kept else ("resolution (PNG cannot hold it)",))


def test_pixels_that_are_no_squares(made: Made, copied: Copied) -> None:
    content = made.saved("JPEG")
    content = content[:13] + b"\0" + struct.pack(">HH", 4, 3) + content[18:]
    with Image.open(copied("a.jpg", content).path) as image:
        assert image.info["aspect"] == (4, 3)


@pytest.mark.parametrize(
    ("stated", "kept"),
    [((1, 13), None), ((2, 2), None), ((9, 16), bytes([9, 16, 0, 1])), ((12, 13), bytes([12, 13, 0, 1]))],
)
def test_the_colour_space_of_an_avif(stated: tuple[int, int], kept: bytes | None, made: Made, copied: Copied) -> None:
    def with_space(content: bytes) -> bytes:
        place = content.index(b"colrnclx") + 8
        return content[:place] + struct.pack(">HH", *stated) + content[place + 4 :]

    copy = copied("a.avif", with_space(made.saved("AVIF")))
    assert {chunk.kind: chunk.data for chunk in copy.metadata.chunks}.get(b"cICP") == kept
    assert copy.metadata.lost == ()


def test_an_avif_of_several_colour_spaces_is_said_to_lose_them() -> None:
    def box(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data) + 8) + kind + data

    spaces = b"".join(box(b"colr", b"nclx" + struct.pack(">HHHB", *one, 1, 128)) for one in ((1, 13), (9, 16)))
    (block,) = read_avif(box(b"meta", bytes(4) + box(b"iprp", box(b"ipco", spaces))))
    assert (block.kind, block.name) == ("lost", "colour space")


def test_an_avif_of_more_than_8_bits_is_said_to_lose_them(made: Made) -> None:
    whole = bytearray(made.saved("AVIF"))
    place = whole.index(b"av1C") + 6
    assert not list(read_avif(bytes(whole)))
    whole[place] |= 0x40
    assert [block.name for block in read_avif(bytes(whole)) if block.kind == "lost"] == ["pixel depth"]
