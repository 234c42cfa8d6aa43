"""No part of a file of any format carries a picture of the original into the PNG."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import ImageFileDirectory_v2

Made = Any  # the class in conftest.py
Copied = Callable[..., Any]  # the fixture in conftest.py
Builder = Callable[[Made], bytes]
XMP_EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
XMP_SIGN = b"http://ns.adobe.com/xap/1.0/\0"


def box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data) + 8) + kind + data


def riff(whole: bytes, kind: bytes, data: bytes) -> bytes:
    """Return a WebP file with a further chunk."""
    grown = whole + struct.pack("<4sI", kind, len(data)) + data + bytes(len(data) % 2)
    return grown[:4] + struct.pack("<I", len(grown) - 8) + grown[8:]


def thumbnail_of_exif(made: Made) -> bytes:
    """Return a JPEG whose EXIF data has a second directory, with a thumbnail as cameras write it."""
    first = struct.pack("<HHHIII", 1, 0x0112, 3, 1, 6, 26)  # an orientation, and the offset of the second one
    entries = [(0x0103, 3, 1, 6), (0x0201, 4, 1, 26 + 42), (0x0202, 4, 1, len(made.picture))]
    second = struct.pack("<H", 3) + b"".join(struct.pack("<HHII", *one) for one in entries) + bytes(4)
    return made.saved("JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0" + first + second + made.picture)


def tiff(made: Made, tag: int, data: bytes, kind: int = 7) -> bytes:
    tags = ImageFileDirectory_v2()
    tags.tagtype[tag] = kind
    tags[tag] = data
    return made.saved("TIFF", tiffinfo=tags)


def tiff_with_directory(made: Made) -> bytes:
    tags = ImageFileDirectory_v2()
    tags[0x8769] = {0x927C: made.picture}
    return made.saved("TIFF", tiffinfo=tags)


def profile_with(made: Made, name: bytes, kind: bytes) -> bytes:
    """Return an ICC profile with the picture in a tag."""
    old = made.profile
    (count,) = struct.unpack_from(">I", old, 128)
    body = kind + bytes(4) + made.picture
    entries = [struct.unpack_from(">4sII", old, 132 + 12 * number) for number in range(count)]
    table = b"".join(struct.pack(">4sII", one, start + 12, length) for one, start, length in entries)
    entry = struct.pack(">4sII", name, len(old) + 12, len(body))
    whole = old[:128] + struct.pack(">I", count + 1) + table + entry + old[132 + 12 * count :] + body
    return struct.pack(">I", len(whole)) + whole[4:]


def gif(made: Made, extension: bytes) -> bytes:
    whole = made.saved("GIF")
    end = 13 + (3 * 2 ** (whole[10] % 8 + 1) if whole[10] & 0x80 else 0)
    return whole[:end] + extension + whole[end:]


def parts(data: bytes) -> bytes:
    return b"".join(bytes([len(data[at : at + 255])]) + data[at : at + 255] for at in range(0, len(data), 255)) + b"\0"


def hexadecimal(kind: str, data: bytes) -> bytes:
    """Return a PNG text in the form in which ImageMagick writes a profile."""
    digits = data.hex()
    lines = "\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
    return (
        f"Raw profile type {kind}".encode() + b"\0\0" + zlib.compress(f"\n{kind}\n{len(data):8d}\n{lines}\n".encode())
    )


def bmp(made: Made) -> bytes:
    """Return a BMP with an ICC profile, as version 5 of its header allows."""
    old, profile = made.saved("BMP"), profile_with(made, b"prvw", b"data")
    head = old[14:54] + bytes(16) + b"DEBM" + bytes(48) + struct.pack("<IIII", 4, 124 + len(old) - 54, len(profile), 0)
    pixels = old[54:]
    size = 14 + 124 + len(pixels) + len(profile)
    first = b"BM" + struct.pack("<IHHI", size, 0, 0, 14 + 124)
    return first + struct.pack("<I", 124) + head[4:] + pixels + profile


def tga(made: Made) -> bytes:
    whole = made.saved("TGA")[:-26]
    stamp = len(whole)
    extension = bytearray(495)
    extension[:2] = struct.pack("<H", 495)
    extension[486:490] = struct.pack("<I", stamp)
    footer = struct.pack("<II", stamp + len(made.picture), 0) + b"TRUEVISION-XFILE.\0"
    return whole + made.picture + bytes(extension) + footer


def png_text(made: Made, kind: str) -> bytes:
    texts = PngInfo()
    add = {"tEXt": texts.add_text, "iTXt": texts.add_itxt}.get(kind, lambda *words: texts.add_text(*words, zip=True))
    add("Thumb", made.text)
    return made.saved("PNG", pnginfo=texts)


CASES: dict[str, tuple[Builder, str]] = {
    "a.jpg MakerNote": (lambda made: made.saved("JPEG", exif=made.exif()), "EXIF MakerNote"),
    "a.jpg thumbnail of EXIF": (thumbnail_of_exif, "EXIF thumbnail"),
    "a.jpg description": (lambda made: made.saved("JPEG", exif=made.exif(t0x010E=made.text)), "EXIF ImageDescription"),
    "a.jpg user comment": (lambda made: made.saved("JPEG", exif=made.exif(t0x9286=made.picture)), "EXIF UserComment"),
    "a.jpg private tag": (lambda made: made.saved("JPEG", exif=made.exif(t0xEA1D=made.picture)), "EXIF tag 0xea1d"),
    "a.jpg thumbnail of JFIF": (
        lambda made: made.jpeg((0xE0, b"JFIF\0\1\1\0\0\1\0\1\4\4" + made.picture[:48])),
        "JFIF thumbnail",
    ),
    "a.jpg JFXX": (lambda made: made.jpeg((0xE0, b"JFXX\0\x10" + made.picture)), "JFXX thumbnail"),
    "a.jpg FlashPix": (lambda made: made.jpeg((0xE2, b"FPXR\0" + made.picture)), "JPEG segment APP2 'FPXR'"),
    "a.jpg unknown segment": (lambda made: made.jpeg((0xEF, made.picture)), "JPEG segment APP15 'ÿØÿà'"),
    "a.jpg gain map": (lambda made: made.jpeg((0xE2, b"urn:iso:std:iso:ts:21496:-1\0" + made.picture)), "21496"),
    "a.jpg Photoshop": (
        lambda made: made.jpeg((0xED, b"Photoshop 3.0\0" + made.resource(0x040C, bytes(28) + made.picture))),
        "Photoshop thumbnail",
    ),
    "a.jpg preview in IPTC": (
        lambda made: made.jpeg(
            (0xED, b"Photoshop 3.0\0" + made.resource(0x0404, made.iptc((202, made.picture))))
        ),
        "IPTC field 2:202",
    ),
    "a.jpg object data of IPTC": (
        lambda made: made.jpeg(
            (0xED, b"Photoshop 3.0\0" + made.resource(0x0404, made.iptc((10, made.picture)).replace(b"\2", b"\x08", 1)))
        ),
        "IPTC field 8:010",
    ),
    "a.jpg XMP": (lambda made: made.saved("JPEG", xmp=made.thumbnails()), "XMP xmp:Thumbnails"),
    "a.jpg extended XMP": (
        lambda made: made.jpeg((0xE1, XMP_EXTENSION + bytes(40) + made.text.encode())),
        "JPEG segment APP1 'http://ns.adobe.com/xmp/extension/'",
    ),
    "a.jpg comment": (lambda made: made.saved("JPEG", comment=made.text), "JPEG comment"),
    "a.jpg profile": (
        lambda made: made.saved("JPEG", icc_profile=profile_with(made, b"prvw", b"data")),
        "colour profile's tag prvw",
    ),
    "a.jpg name of the profile": (
        lambda made: made.saved("JPEG", icc_profile=profile_with(made, b"desc", b"desc")),
        "colour profile's tag desc",
    ),
    "a.jpg curve": (
        lambda made: made.saved("JPEG", icc_profile=profile_with(made, b"kTRC", b"curv")),
        "colour profile's tag kTRC",
    ),
    "a.jpg after its end": (lambda made: made.saved("JPEG") + made.picture, "data after the end"),
    "a.png text": (lambda made: png_text(made, "tEXt"), "PNG text 'Thumb'"),
    "a.png compressed text": (lambda made: png_text(made, "zTXt"), "PNG text 'Thumb'"),
    "a.png international text": (lambda made: png_text(made, "iTXt"), "PNG text 'Thumb'"),
    "a.png EXIF": (lambda made: made.saved("PNG", exif=made.exif()), "EXIF MakerNote"),
    "a.png raw EXIF": (
        lambda made: made.png((b"zTXt", hexadecimal("exif", made.exif()))),
        "EXIF MakerNote",
    ),
    "a.png raw APP1": (lambda made: made.png((b"zTXt", hexadecimal("APP1", made.exif()))), "EXIF MakerNote"),
    "a.png raw XMP": (
        lambda made: made.png((b"zTXt", hexadecimal("APP1", XMP_SIGN + made.thumbnails()))),
        "XMP xmp:Thumbnails",
    ),
    "a.png raw resources": (
        lambda made: made.png((b"zTXt", hexadecimal("8bim", made.resource(0x0409, made.picture)))),
        "Photoshop thumbnail",
    ),
    "a.png unknown profile": (lambda made: made.png((b"zTXt", hexadecimal("jpeg", made.picture))), "Raw profile type"),
    "a.png unknown chunk": (lambda made: made.png((b"prVW", made.picture)), "PNG chunk prVW"),
    "a.png physical size": (lambda made: made.png((b"pHYs", made.picture)), "PNG chunk pHYs"),
    "a.png profile": (
        lambda made: made.saved("PNG", icc_profile=profile_with(made, b"meta", b"dict")),
        "colour profile's tag meta",
    ),
    "a.png after its end": (lambda made: made.saved("PNG") + made.picture, "data after the end"),
    "a.webp EXIF": (lambda made: made.saved("WEBP", exif=made.exif()), "EXIF MakerNote"),
    "a.webp XMP": (lambda made: made.saved("WEBP", xmp=made.thumbnails()), "XMP xmp:Thumbnails"),
    "a.webp unknown chunk": (lambda made: riff(made.saved("WEBP"), b"THMB", made.picture), "WebP chunk 'THMB'"),
    "a.webp after its end": (lambda made: made.saved("WEBP") + made.picture, "data after the end"),
    "a.avif EXIF": (lambda made: made.saved("AVIF", exif=made.exif()), "EXIF MakerNote"),
    "a.avif XMP": (lambda made: made.saved("AVIF", xmp=made.thumbnails()), "XMP xmp:Thumbnails"),
    "a.avif after its end": (lambda made: made.saved("AVIF") + box(b"prev", made.picture), "AVIF box 'prev'"),
    "a.gif comment": (lambda made: gif(made, b"\x21\xfe" + parts(made.text.encode())), "GIF comment"),
    "a.gif extension": (
        lambda made: gif(made, b"\x21\xff\x0bMINEPREVIEW" + parts(made.picture)),
        "GIF extension 'MINEPREVIEW'",
    ),
    "a.gif XMP": (
        lambda made: gif(
            made, b"\x21\xff\x0bXMP DataXMP" + made.thumbnails() + b"\x01" + bytes(range(255, -1, -1)) + b"\0"
        ),
        "XMP xmp:Thumbnails",
    ),
    "a.gif resources": (
        lambda made: gif(made, b"\x21\xff\x0bMGK8BIM0000" + parts(made.resource(0x040C, made.picture))),
        "Photoshop thumbnail",
    ),
    "a.gif after its end": (lambda made: made.saved("GIF") + made.picture, "data after the end"),
    "a.tif MakerNote": (tiff_with_directory, "TIFF MakerNote"),
    "a.tif private tag": (lambda made: tiff(made, 65000, made.picture), "TIFF tag 0xfde8"),
    "a.tif layers of Photoshop": (lambda made: tiff(made, 37724, made.picture), "TIFF tag 0x935c"),
    "a.tif description": (lambda made: tiff(made, 270, made.text.encode(), 2), "TIFF ImageDescription"),
    "a.tif XMP": (lambda made: tiff(made, 700, made.thumbnails(), 1), "XMP xmp:Thumbnails"),
    "a.tif resources": (
        lambda made: tiff(made, 34377, made.resource(0x040C, made.picture), 1),
        "Photoshop thumbnail",
    ),
    "a.jp2 box": (lambda made: made.saved("JPEG2000") + box(b"xml ", made.text.encode()), "JPEG 2000 box 'xml '"),
    "a.jp2 uuid": (lambda made: made.saved("JPEG2000") + box(b"uuid", bytes(16) + made.picture), "box 'uuid'"),
    "a.jp2 EXIF": (
        lambda made: made.saved("JPEG2000") + box(b"uuid", b"JpgTiffExif->JP2" + made.exif()[6:]),
        "EXIF MakerNote",
    ),
    "a.j2k comment": (lambda made: made.saved("JPEG2000", no_jp2=True, comment=made.text), "JPEG 2000 comment"),
    "a.bmp profile": (bmp, "colour profile's tag prvw"),
    "a.bmp after its end": (lambda made: made.saved("BMP") + made.picture, "data after the end"),
    "a.tga postage stamp": (tga, "TGA postage stamp"),
    "a.ppm comment": (
        lambda made: b"P6\n# " + made.text.encode() + b"\n" + made.saved("PPM").partition(b"\n")[2],
        "PNM comment",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_picture_of_the_original_is_dropped_and_named(case: str, made: Made, copied: Copied) -> None:
    build, name = CASES[case]
    copy = copied(case.partition(" ")[0], build(made))
    content = copy.content()
    assert not any(form in content for form in made.forms()), "the picture is in the PNG"
    assert made.picture[20:40] not in content
    assert any(name in one for one in copy.metadata.pictures), copy.metadata


def test_the_other_pictures_of_a_file_stay_behind(made: Made, copied: Copied) -> None:
    image = Image.open(io.BytesIO(made.saved("PNG")))
    several = io.BytesIO()
    image.save(several, "MPO", save_all=True, append_images=[Image.effect_noise((32, 24), 9).convert("RGB")])
    copy = copied("a.jpg", several.getvalue())
    assert "further pictures (MPF)" in copy.metadata.pictures
    assert "data after the end of the image" in copy.metadata.pictures

    icon = io.BytesIO()
    Image.fromarray(np.zeros((32, 32, 3), dtype=np.uint8)).save(icon, "ICO", sizes=[(16, 16), (32, 32)])
    assert copied("a.ico", icon.getvalue()).metadata.pictures == ("ICO pictures of other sizes",)


@pytest.mark.parametrize("where", ["dc:creator", "dc:rights", "xmpRights:UsageTerms", "photoshop:Credit"])
def test_a_picture_is_no_owner(where: str, made: Made, copied: Copied) -> None:
    lines = made.lines()
    for text in (made.text, lines, f"data:image/jpeg;base64,{made.text[:40]}", "long " * 500):
        for value in (text, f"<rdf:Seq><rdf:li>me</rdf:li><rdf:li>{text}</rdf:li></rdf:Seq>"):
            copy = copied("a.jpg", made.saved("JPEG", xmp=made.packet(f"<{where}>{value}</{where}>")))
            assert copy.metadata.chunks == ()
            assert any(where in one for one in copy.metadata.lost), copy.metadata


def test_what_stands_between_the_words_of_an_owner_is_lost_with_them(made: Made, copied: Copied) -> None:
    inside = f'<rdf:Seq><rdf:li xmp:image="{made.text}">me</rdf:li></rdf:Seq>'
    nested = f"<rdf:Seq><rdf:li>me<xmp:image>{made.text}</xmp:image></rdf:li></rdf:Seq>"
    for value in (inside, nested):
        copy = copied("a.jpg", made.saved("JPEG", xmp=made.packet(f"<dc:creator>{value}</dc:creator>")))
        assert copy.metadata.chunks == ()
        assert copy.metadata.lost == ("XMP dc:creator (xmp:image in it is unknown)",)
