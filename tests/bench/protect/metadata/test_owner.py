"""Metadata on who owns an image is kept in its PNG, wherever it was in the original."""

import struct
import zlib
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import ImageFileDirectory_v2

Made = Any  # the class in conftest.py
Copied = Callable[..., Any]  # the fixture in conftest.py
Builder = Callable[[Made], bytes]
ARTIST, COPYRIGHT, AUTHOR, OWNER = 0x013B, 0x8298, 0x9C9D, 0xA430
DC = "{http://purl.org/dc/elements/1.1/}"
PLUS = "{http://ns.useplus.org/ldf/xmp/1.0/}"
RIGHTS = "{http://ns.adobe.com/xap/1.0/rights/}"
PHOTOSHOP = "{http://ns.adobe.com/photoshop/1.0/}"
CREATOR = "<dc:creator><rdf:Seq><rdf:li>Zoë</rdf:li></rdf:Seq></dc:creator>"
RIGHTS_OF_ZOE = '<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">© Zoë</rdf:li></rdf:Alt></dc:rights>'


def properties(copy: Any) -> dict[str, list[str]]:
    """Return the texts of every XMP property of a PNG, as any reader of XMP finds them."""
    with Image.open(copy.path) as image:
        packet = image.info.get("xmp", b"<none/>")
    root = ET.fromstring(packet)
    return {
        element.tag: [text for text in element.itertext() if text.strip()]
        for description in root.iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description")
        for element in description
    }


def exif(copy: Any) -> Image.Exif:
    with Image.open(copy.path) as image:
        return image.getexif()


def texts(copy: Any) -> dict[str, str]:
    with Image.open(copy.path) as image:
        image.load()
        return {key: str(value) for key, value in image.text.items()}


def box(number: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data) + 24) + b"uuid" + number + data


def with_xmp(kind: str) -> Builder:
    return lambda made: made.saved(kind, xmp=made.packet(CREATOR + RIGHTS_OF_ZOE))


def gif(made: Made) -> bytes:
    whole = made.saved("GIF")
    end = 13 + 3 * 2 ** (whole[10] % 8 + 1)
    packet = made.packet(CREATOR + RIGHTS_OF_ZOE)
    return whole[:end] + b"\x21\xff\x0bXMP DataXMP" + packet + b"\x01" + bytes(range(255, -1, -1)) + b"\0" + whole[end:]


def tiff(made: Made) -> bytes:
    tags = ImageFileDirectory_v2()
    tags.tagtype[700] = 1
    tags[700] = made.packet(CREATOR + RIGHTS_OF_ZOE)
    return made.saved("TIFF", tiffinfo=tags)


def raw_xmp(made: Made) -> bytes:
    data = b"http://ns.adobe.com/xap/1.0/\0" + made.packet(CREATOR + RIGHTS_OF_ZOE)
    text = f"\nAPP1\n{len(data):8d}\n{data.hex()}\n".encode()
    return made.png((b"zTXt", b"Raw profile type APP1\0\0" + zlib.compress(text)))


XMP: dict[str, Builder] = {
    "a.jpg": with_xmp("JPEG"),
    "b.jpg": lambda made: with_xmp("JPEG")(made).replace(b"http://ns.adobe.com/xap", b"XMP\0://ns.adobe.com/xap", 1),
    "a.webp": with_xmp("WEBP"),
    "a.avif": with_xmp("AVIF"),
    "a.gif": gif,
    "a.tif": tiff,
    "a.jp2": lambda made: (
        made.saved("JPEG2000")
        + box(bytes.fromhex("be7acfcb97a942e89c71999491e3afac"), made.packet(CREATOR + RIGHTS_OF_ZOE))
    ),
    "a.png": lambda made: made.png((b"iTXt", b"XML:com.adobe.xmp" + bytes(5) + made.packet(CREATOR + RIGHTS_OF_ZOE))),
    "b.png": raw_xmp,
}


@pytest.mark.parametrize("name", XMP)
def test_creator_and_rights_of_xmp(name: str, made: Made, copied: Copied) -> None:
    copy = copied(name, XMP[name](made))
    assert properties(copy) == {f"{DC}creator": ["Zoë"], f"{DC}rights": ["© Zoë"]}
    assert copy.metadata.pictures == copy.metadata.lost == ()


def tags(made: Made) -> bytes:
    return made.exif(
        t0x013B="Zoë".encode(),
        t0x8298="© Zoë".encode(),
        t0x9C9D="Zoë\0".encode("utf-16-le"),
        t0xA430="Zoe's camera",
        t0x0112=6,
    )


EXIF: dict[str, Builder] = {
    "a.jpg": lambda made: made.saved("JPEG", exif=tags(made)),
    "a.png": lambda made: made.saved("PNG", exif=tags(made)),
    "a.webp": lambda made: made.saved("WEBP", exif=tags(made)),
    # Pillow writes no accents when it stores the orientation in boxes
    "a.avif": lambda made: (
        made.saved("AVIF", exif=tags(made)).replace(b"Zo??", "Zoë".encode()).replace(b"??", "©".encode())
    ),
    "a.jp2": lambda made: made.saved("JPEG2000") + box(b"JpgTiffExif->JP2", tags(made)[6:]),
}


@pytest.mark.parametrize("name", EXIF)
def test_artist_and_copyright_of_exif(name: str, made: Made, copied: Copied) -> None:
    copy = copied(name, EXIF[name](made))
    found = exif(copy)
    assert found[ARTIST].encode("latin-1").decode() == "Zoë"
    assert found[COPYRIGHT].encode("latin-1").decode() == "© Zoë"
    assert found[AUTHOR].decode("utf-16-le") == "Zoë\0"
    assert found.get_ifd(0x8769)[OWNER] == "Zoe's camera"
    assert found[0x0112] == 6
    assert copy.metadata.lost == ()


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
def test_artist_and_copyright_of_tiff(compression: str, made: Made, copied: Copied) -> None:
    own = ImageFileDirectory_v2()
    own[ARTIST], own[COPYRIGHT], own[0x010E] = b"Zo\xeb", "(c) Zoe", "a title"
    copy = copied("a.tif", made.saved("TIFF", tiffinfo=own, compression=compression))
    assert exif(copy)[ARTIST].encode("latin-1").decode() == "Zoë"  # from Latin-1 to UTF-8
    assert exif(copy)[COPYRIGHT] == "(c) Zoe"
    assert copy.dropped == ("TIFF ImageDescription",)


def test_a_copyright_of_two_and_one_in_utf_8_by_its_type(made: Made, copied: Copied) -> None:
    own = b"II*\0\x08\0\0\0" + struct.pack("<H", 2)
    own += struct.pack("<HHII", ARTIST, 129, 5, 38) + struct.pack("<HHII", COPYRIGHT, 2, 8, 44) + bytes(4)
    own += "Zoë\0".encode() + b"\0" + b"Zoe\0Ann\0"
    copy = copied("a.png", made.png((b"eXIf", own)))
    assert exif(copy)[ARTIST].encode("latin-1").decode() == "Zoë"
    assert exif(copy)[COPYRIGHT] == "Zoe\0Ann"


FIELDS = ((80, "Zoë".encode()), (80, b"Ann"), (116, b"(c) Zoe"), (110, b"Agency"), (115, b"Archive"), (118, b"tel. 1"))


def in_photoshop(made: Made, data: bytes) -> bytes:
    return made.resource(0x03ED, bytes(16)) + made.resource(0x0404, data)


def iptc_of_tiff(made: Made, number: int, data: bytes, order: bytes = b"II") -> bytes:
    own = ImageFileDirectory_v2(prefix=order)
    own.tagtype[number] = 1
    own[number] = data
    return made.saved("TIFF", tiffinfo=own)


IPTC: dict[str, Builder] = {
    "a.jpg": lambda made: made.jpeg((0xED, b"Photoshop 3.0\0" + in_photoshop(made, made.iptc(*FIELDS)))),
    "b.jpg": lambda made: made.jpeg(  # in two segments
        (0xED, b"Photoshop 3.0\0" + in_photoshop(made, made.iptc(*FIELDS))[:50]),
        (0xED, b"Photoshop 3.0\0" + in_photoshop(made, made.iptc(*FIELDS))[50:]),
    ),
    "a.tif": lambda made: iptc_of_tiff(made, 33723, made.iptc(*FIELDS)),
    "b.tif": lambda made: iptc_of_tiff(made, 34377, in_photoshop(made, made.iptc(*FIELDS))),
    "a.png": lambda made: made.png(
        (
            b"tEXt",
            f"Raw profile type iptc\0\niptc\n 99\n{in_photoshop(made, made.iptc(*FIELDS)).hex()}\n".encode("latin-1"),
        )
    ),
    "a.jp2": lambda made: (
        made.saved("JPEG2000") + box(bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38"), made.iptc(*FIELDS))
    ),
}


@pytest.mark.parametrize("name", IPTC)
def test_creator_and_copyright_of_iptc_become_xmp(name: str, made: Made, copied: Copied) -> None:
    copy = copied(name, IPTC[name](made))
    assert properties(copy) == {
        f"{DC}creator": ["Zoë", "Ann"],
        f"{DC}rights": ["(c) Zoe"],
        f"{PHOTOSHOP}Credit": ["Agency"],
        f"{PHOTOSHOP}Source": ["Archive"],
    }
    assert texts(copy)["Contact"] == "tel. 1"
    assert copy.metadata.lost == ()


def test_two_owners_are_both_kept(made: Made, copied: Copied) -> None:
    fields = made.iptc((80, b"Ann"), (80, "Zoë".encode()), (116, b"(c) Ann"), (120, b"a caption"))
    resources = (
        in_photoshop(made, fields) + made.resource(0x040A, b"\1") + made.resource(0x040B, b"https://ann.example")
    )
    whole = made.jpeg((0xED, b"Photoshop 3.0\0" + resources), xmp=made.packet(CREATOR + RIGHTS_OF_ZOE))
    copy = copied("a.jpg", whole)
    assert properties(copy) == {
        f"{DC}creator": ["Zoë", "Ann"],
        f"{DC}rights": ["© Zoë"],
        f"{RIGHTS}Marked": ["True"],
        f"{RIGHTS}WebStatement": ["https://ann.example"],
    }
    assert texts(copy)["Copyright"] == "(c) Ann"
    assert copy.dropped == ("IPTC field 2:120",)


@pytest.mark.parametrize(
    "xmp",
    [{"properties": "<dc:creator>Jane</dc:creator>"}, {"attributes": 'dc:creator="Jane"'}],
    ids=lambda xmp: str(*xmp),
)
def test_a_creator_of_xmp_that_is_no_list_is_kept_beside_that_of_iptc(
    xmp: dict[str, str], made: Made, copied: Copied
) -> None:
    fields = b"Photoshop 3.0\0" + in_photoshop(made, made.iptc((80, b"John")))
    assert properties(copied("a.jpg", made.jpeg((0xED, fields), xmp=made.packet(**xmp)))) == {
        f"{DC}creator": ["Jane", "John"]
    }


def test_a_copyright_flag_that_xmp_denies_is_said_to_be_lost(made: Made, copied: Copied) -> None:
    flag = b"Photoshop 3.0\0" + made.resource(0x040A, b"\1")
    copy = copied("a.jpg", made.jpeg((0xED, flag), xmp=made.packet(attributes='xmpRights:Marked="False"')))
    assert properties(copy) == {f"{RIGHTS}Marked": ["False"]}
    assert copy.metadata.lost == ("Photoshop copyright flag (XMP says something else)",)


def test_the_longest_texts_are_kept(made: Made, copied: Copied) -> None:
    text = "Zoe Ann!" * 250
    for fields in ([(116, text)], [(80, text)], [(80, text[:999]), (80, text[1000:])]):
        data = made.iptc(*((number, one.encode()) for number, one in fields))
        copy = copied("a.jpg", made.jpeg((0xED, b"Photoshop 3.0\0" + in_photoshop(made, data))))
        assert copy.metadata.lost == ()
        assert list(properties(copy).values()) == [[one for _, one in fields]]
        packet = f"<dc:rights><rdf:Alt><rdf:li xml:lang='x-default'>{text}</rdf:li></rdf:Alt></dc:rights>"
        assert copied("b.jpg", made.saved("JPEG", xmp=made.packet(packet))).metadata.lost == ()


def test_licence_contact_and_no_to_training(made: Made, copied: Copied) -> None:
    attributes = 'plus:LicenseEndDate="2030-01-01" xmpRights:Marked="True" plus:DataMining="http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED-AIMLTRAINING"'
    contact = '<Iptc4xmpCore:CreatorContactInfo Iptc4xmpCore:CiEmailWork="zoe@example.org"/>'
    licensor = (
        '<plus:Licensor><rdf:Seq><rdf:li rdf:parseType="Resource"><plus:LicensorName>Zoë Ltd</plus:LicensorName>'
        "<plus:LicensorURL>https://zoe.example/licence</plus:LicensorURL></rdf:li></rdf:Seq></plus:Licensor>"
    )
    title = "<dc:title><rdf:Alt><rdf:li xml:lang='x-default'>a title</rdf:li></rdf:Alt></dc:title>"
    copy = copied("a.jpg", made.saved("JPEG", xmp=made.packet(contact + licensor + title, attributes)))
    found = properties(copy)
    assert found[f"{RIGHTS}Marked"] == ["True"]
    assert found[f"{PLUS}DataMining"] == ["http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED-AIMLTRAINING"]
    assert found[f"{PLUS}LicenseEndDate"] == ["2030-01-01"]
    assert found[f"{PLUS}Licensor"] == ["Zoë Ltd", "https://zoe.example/licence"]
    assert b"zoe@example.org" in copy.content()
    assert copy.dropped == ("XMP dc:title",)


def test_texts_of_a_png(made: Made, copied: Copied) -> None:
    own = PngInfo()
    own.add_text("Author", "Zoë")
    own.add_itxt("Copyright", "© 图", zip=True)
    own.add_text("license", "CC BY 4.0", zip=True)
    own.add_text("Comment", "(c) Zoe 2026")
    for keyword in ("Title", "parameters", "Software"):
        own.add_text(keyword, "a cat, seed 1")
    copy = copied("a.png", made.saved("PNG", pnginfo=own))
    with Image.open(copy.path) as image:
        image.load()
        assert image.text["Author"] == "Zoë"
        assert image.text["license"] == "CC BY 4.0"
    content = copy.path.read_bytes().decode("utf-8", "replace")
    assert "© 图" in content
    assert "(c) Zoe 2026" in content
    assert "seed" not in content
    assert copy.dropped == ("PNG text 'Title'", "PNG text 'parameters'", "PNG text 'Software'")


@pytest.mark.parametrize(
    ("name", "build"),
    [
        ("a.jpg", lambda made, text: made.saved("JPEG", comment=text)),
        ("a.gif", lambda made, text: made.saved("GIF", comment=text)),
        ("a.j2k", lambda made, text: made.saved("JPEG2000", no_jp2=True, comment=text)),
        ("a.ppm", lambda made, text: b"P6 # " + text.encode() + b"\n" + made.saved("PPM").partition(b"\n")[2]),
    ],
)
def test_a_comment_is_kept_where_it_is_on_the_owner(name: str, build: Any, made: Made, copied: Copied) -> None:
    copy = copied(name, build(made, "Copyright 2026 Zoe"))
    assert texts(copy) == {"Copyright": "Copyright 2026 Zoe"}
    copy = copied(name, build(made, "a remark"))
    assert texts(copy) == {}
    assert len(copy.metadata.others) == 1


def exif_with(data: dict[int, bytes]) -> bytes:
    """Return EXIF data that hold data in other formats."""
    exif = Image.Exif()
    for number, one in data.items():
        exif[number] = one
    return exif.tobytes()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_owners_inside_exif(kind: str, made: Made, copied: Copied) -> None:
    packet, flag = made.packet("<dc:creator>Zoë</dc:creator>"), made.resource(0x040A, b"\1")
    exif = exif_with({0x02BC: packet, 0x83BB: made.iptc((116, b"(c) Zoe")), 0x8649: flag})
    copy = copied(f"a.{kind.lower()}", made.saved(kind, exif=exif))
    assert properties(copy) == {f"{DC}creator": ["Zoë"], f"{DC}rights": ["(c) Zoe"], f"{RIGHTS}Marked": ["True"]}
    assert copy.metadata.lost == ()


def test_the_author_of_a_tga(made: Made, copied: Copied) -> None:
    whole = made.saved("TGA")[:-26]
    area = bytearray(495)
    area[2:5], area[43:56] = b"Zoe", b"(c) Zoe, 2026"
    footer = struct.pack("<II", len(whole), 0) + b"TRUEVISION-XFILE.\0"
    assert texts(copied("a.tga", whole + bytes(area) + footer)) == {"Author": "Zoe", "Copyright": "(c) Zoe, 2026"}
    assert texts(copied("b.tga", made.saved("TGA", id_section=b"(c) Zoe"))) == {"Copyright": "(c) Zoe"}
    assert copied("c.tga", made.saved("TGA", id_section=b"a cat")).metadata.others == ("TGA image ID",)


def test_a_second_other_owner_is_said_to_be_lost(made: Made, copied: Copied) -> None:
    copy = copied("a.png", made.png(*((b"eXIf", made.exif(t0x013B=name)) for name in ("Ann", "Zoe"))))
    assert exif(copy)[ARTIST] == "Ann"
    assert copy.metadata.lost == ("EXIF Artist (it occurs twice, with different values)",)
