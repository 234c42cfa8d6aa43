import errno
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from attacks.core.errors import RequestError
from bench.data.decode import ImageError
from bench.protect.metadata.draft import Metadata
from bench.protect.picture import read_picture, read_shape, write_picture

RGB = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
NOTHING = Metadata(chunks=(), pictures=(), others=(), lost=())


def copied(path: Path, channels: int = 3) -> Path:
    """Read a file and write it again, without noise."""
    out = path.with_name("copy") / "out.png"
    write_picture(out, read_picture(path, channels), NOTHING)
    return out


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_and_alpha_are_kept(tmp_path: Path, mode: str, channels: int) -> None:
    image = Image.fromarray(RGB).convert(mode)
    image.save(tmp_path / "in.png")
    shape = read_shape(tmp_path / "in.png")
    assert (shape.height, shape.width, shape.grey) == (6, 8, mode in {"1", "L", "LA"})
    if channels == 1 and not shape.grey:
        return
    with Image.open(copied(tmp_path / "in.png", channels)) as out:
        assert out.mode == ("L" if channels == 1 else "RGB") + ("A" if mode.endswith("A") else "")
        assert np.array_equal(np.asarray(out.convert("RGBA")), np.asarray(image.convert("RGBA")))


@pytest.mark.parametrize("mode", ["P", "L", "RGB"])
def test_a_transparent_colour_becomes_alpha(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(RGB).convert(mode)
    image.save(tmp_path / "in.png", transparency=image.getpixel((0, 0)))
    with Image.open(copied(tmp_path / "in.png")) as out, Image.open(tmp_path / "in.png") as before:
        assert out.mode == "RGBA"
        assert out.getpixel((0, 0))[3] == 0
        assert np.array_equal(np.asarray(out), np.asarray(before.convert("RGBA")))


def test_what_cannot_be_written_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    Image.fromarray(RGB).save(tmp_path / "in.png")
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(RequestError, match=r"cannot write .*out\.png: No space left"):
        copied(tmp_path / "in.png")


def test_photographs_with_further_pictures_keep_the_first(tmp_path: Path) -> None:
    first = Image.fromarray(RGB)
    first.save(tmp_path / "in.jpg", format="MPO", save_all=True, append_images=[Image.fromarray(255 - RGB)])
    with Image.open(copied(tmp_path / "in.jpg")) as out, Image.open(tmp_path / "in.jpg") as before:
        assert before.n_frames == 2
        assert np.array_equal(np.asarray(out), np.asarray(before))


def test_what_a_png_of_one_picture_cannot_hold_is_refused(tmp_path: Path) -> None:
    Image.fromarray(RGB).convert("CMYK").save(tmp_path / "cmyk.jpg")
    Image.fromarray(RGB[:, :, 0].astype(np.uint16) * 257).save(tmp_path / "grey16.png")
    Image.fromarray(RGB[:, :, 0].astype(np.float32)).save(tmp_path / "float.tif")
    frames = [Image.fromarray(RGB), Image.fromarray(255 - RGB)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    (tmp_path / "colour16.png").write_bytes(colour_of_16_bits())
    (tmp_path / "deep.ppm").write_bytes(b"P6\n2 2\n65535\n" + bytes(24))
    (tmp_path / "plain.ppm").write_bytes(b"P3\n1 1\n1000\n1 2 1000\n")
    head = struct.pack(">HBBHHHHII", 474, 0, 2, 3, 2, 2, 3, 0, 65535).ljust(512, b"\0")
    (tmp_path / "deep.sgi").write_bytes(head + bytes(24))
    Image.fromarray(RGB).save(tmp_path / "deep.jp2")
    whole = bytearray((tmp_path / "deep.jp2").read_bytes())
    channels = whole.index(b"\xff\x4f\xff\x51") + 42
    whole[channels], whole[channels + 3], whole[channels + 6] = 11, 11, 11  # of 12 bits
    (tmp_path / "deep.jp2").write_bytes(whole)
    (tmp_path / "stream.j2k").write_bytes(whole[channels - 42 :])  # the code stream without boxes
    head, rest = bytes(whole[:32]), bytes(whole[32:])
    comment = struct.pack(">I4s", 8 + 70_000, b"free") + bytes(70_000)
    (tmp_path / "far.jp2").write_bytes(head + comment + rest)
    for name, why in {
        "deep.ppm": "RGB of more than 8 bits",
        "plain.ppm": "RGB of more than 8 bits",
        "deep.sgi": "RGB of more than 8 bits",
        "deep.jp2": "RGB of more than 8 bits",
        "stream.j2k": "RGB of more than 8 bits",
        "far.jp2": "RGB of more than 8 bits",
        "cmyk.jpg": "CMYK",
        "grey16.png": "I;16",
        "float.tif": "F",
        "moving.gif": "several frames",
        "colour16.png": "RGB of more than 8 bits",
    }.items():
        for read in (read_shape, lambda path: read_picture(path, 3)):
            with pytest.raises(ImageError, match=f"{name} .*{why}.*; repair, convert or remove it"):
                read(tmp_path / name)


def test_a_bmp_with_16_bits_a_pixel_has_fewer_a_channel(tmp_path: Path) -> None:
    head = struct.pack("<2sIHHI", b"BM", 14 + 40 + 12 + 8, 0, 0, 14 + 40 + 12)
    head += struct.pack("<IiiHHIIiiII", 40, 2, 2, 1, 16, 3, 8, 0, 0, 0, 0) + struct.pack("<III", 0xF800, 0x07E0, 0x1F)
    (tmp_path / "a.bmp").write_bytes(head + struct.pack("<HHHH", 0xF800, 0x07E0, 0x1F, 0))
    assert read_picture(tmp_path / "a.bmp", 3).pixels.shape == (3, 2, 2)


def colour_of_16_bits() -> bytes:
    """Return a 16-bit PNG of 2x2 pixels, which Pillow would read as 8-bit."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 2, 2, 16, 2, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + bytes(range(12)) for _ in range(2)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("ending", ["png", "jpg", "gif"])
def test_damaged_image_is_named_in_one_line(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"image.{ending}"
    Image.fromarray(np.tile(RGB, (20, 20, 1))).save(path)
    whole = path.read_bytes()
    for content in (b"", b"not an image", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(ImageError, match=f"cannot read the image {path} .*; repair") as caught:
            read_picture(path, 3)
        assert "\n" not in str(caught.value)
