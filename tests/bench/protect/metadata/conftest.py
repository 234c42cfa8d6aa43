"""Images with all kinds of metadata, and what their PNGs keep of it."""

import base64
import io
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image, ImageCms

from bench.data.decode import unwarned
from bench.protect.metadata.draft import Metadata
from bench.protect.metadata.read import read_metadata
from bench.protect.picture import read_picture, write_picture

RGB = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
PACKET = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
    ' xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/" xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/"'
    ' xmlns:Iptc4xmpCore="http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/"'
    ' xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:Container="http://ns.google.com/photos/1.0/container/"'
    "{attributes}>{properties}</rdf:Description></rdf:RDF></x:xmpmeta>"
)


class Copy(NamedTuple):
    """A PNG of an image, written without noise: its file, and the metadata that was kept or dropped."""

    path: Path
    metadata: Metadata

    @property
    def dropped(self) -> tuple[str, ...]:
        return (*self.metadata.pictures, *self.metadata.others)

    def content(self) -> bytes:
        """Return the bytes of the file, followed by its compressed content other than pixels."""
        raw = self.path.read_bytes()
        return raw + b"".join(chunk(raw, kind) for kind in (b"iCCP", b"zTXt", b"iTXt") if kind in raw)


def chunk(raw: bytes, kind: bytes) -> bytes:
    start = raw.index(kind)
    data = raw[start + 4 : start + 4 + int.from_bytes(raw[start - 4 : start], "big")]
    place = data.find(b"\x78\x9c")
    return data if place < 0 else zlib.decompressobj().decompress(data[place:])


class Made:
    """Makes parts of image files.

    Attributes:
        picture: a small JPEG of the image, which no PNG may contain.
        profile: an sRGB profile.
    """

    def __init__(self) -> None:
        small = io.BytesIO()
        Image.fromarray(RGB).resize((16, 12)).save(small, "JPEG")
        self.picture = small.getvalue()
        self.profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

    def forms(self) -> Iterator[bytes]:
        """Yield the picture, and how it may be encoded in a text."""
        yield from (self.picture, base64.b64encode(self.picture), self.picture.hex().encode())

    @property
    def text(self) -> str:
        return base64.b64encode(self.picture).decode()

    def lines(self) -> str:
        """Return the picture in lines of Base64, as in mail."""
        return base64.encodebytes(self.picture).decode()

    def exif(self, **values: object) -> bytes:
        """Return EXIF data with a MakerNote that holds the picture, and values named by tag number (`t0x...`)."""
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0x927C] = b"MAKER\0" + self.picture
        for name, value in values.items():
            tag = int(name[1:], 16)
            (exif.get_ifd(0x8769) if 0x9000 <= tag < 0x9C00 or tag >= 0xA000 else exif)[tag] = value
        return exif.tobytes()

    def packet(self, properties: str = "", attributes: str = "") -> bytes:
        return PACKET.format(properties=properties, attributes=f" {attributes}").encode()

    def thumbnails(self) -> bytes:
        """Return XMP data with the picture as a thumbnail."""
        listed = f"<rdf:Alt><rdf:li><xmp:image>{self.text}</xmp:image></rdf:li></rdf:Alt>"
        return self.packet(f"<xmp:Thumbnails>{listed}</xmp:Thumbnails>")

    def resource(self, number: int, data: bytes) -> bytes:
        """Return a Photoshop resource."""
        return b"8BIM" + struct.pack(">HHI", number, 0, len(data)) + data + bytes(len(data) % 2)

    def iptc(self, *fields: tuple[int, bytes]) -> bytes:
        return b"".join(b"\x1c\x02" + struct.pack(">BH", number, len(data)) + data for number, data in fields)

    def saved(self, kind: str, **options: object) -> bytes:
        """Return an image file."""
        file = io.BytesIO()
        Image.fromarray(RGB).save(file, kind, **options)  # type: ignore[arg-type]
        return file.getvalue()

    def jpeg(self, *segments: tuple[int, bytes], **options: object) -> bytes:
        """Return a JPEG with further segments after its first."""
        whole = self.saved("JPEG", **options)
        parts = (struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data for marker, data in segments)
        return whole[:20] + b"".join(parts) + whole[20:]

    def png(self, *chunks: tuple[bytes, bytes], **options: object) -> bytes:
        """Return a PNG with further chunks after its first."""
        whole = self.saved("PNG", **options)
        parts = (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
            for kind, data in chunks
        )
        return whole[:33] + b"".join(parts) + whole[33:]


@pytest.fixture(scope="session")
def made() -> Made:
    return Made()


@pytest.fixture
def copied(tmp_path: Path) -> Callable[..., Copy]:
    """Write a file and then its PNG: `copied("name.jpg", content)`."""

    def copy(name: str, content: bytes, channels: int = 3) -> Copy:
        source, target = tmp_path / name, tmp_path / "out" / f"{name}.png"
        source.write_bytes(content)
        with unwarned():
            metadata = read_metadata(source, channels)
            write_picture(target, read_picture(source, channels), metadata)
            again = read_metadata(target, channels)
            assert np.array_equal(read_picture(source, channels).pixels, read_picture(target, channels).pixels)
        assert again == Metadata(chunks=metadata.chunks, pictures=(), others=(), lost=()), "differs from what was kept"
        return Copy(target, metadata)

    return copy
