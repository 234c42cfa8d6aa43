from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import IFDRational, ImageFileDirectory_v2

from attacks.core.errors import RequestError
from bench.protect.picture import Picture, read_picture, read_shape, write_picture

RGB = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)


def profile(space: str) -> bytes:
    """Return what stands for an ICC profile of a colour space."""
    return bytes(16) + space.encode() + bytes(108)


def copied(path: Path) -> Path:
    """Read a file and write it again, without noise."""
    out = path.with_name("copy") / "out.png"
    write_picture(out, read_picture(path, 3))
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
    write_picture(tmp_path / "out.png", read_picture(tmp_path / "in.png", channels))
    with Image.open(tmp_path / "out.png") as out:
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


def test_metadata_is_kept_and_pixels_are_not_turned(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "to be turned"
    exif.get_ifd(0x8769)[0x9003] = "2026:01:01 00:00:00"
    Image.fromarray(RGB).save(
        tmp_path / "in.jpg",
        exif=exif,
        icc_profile=profile("RGB "),
        dpi=(300, 300),
        comment=b"a remark",
        xmp=b"<x:xmpmeta/>",
    )
    with Image.open(copied(tmp_path / "in.jpg")) as out, Image.open(tmp_path / "in.jpg") as before:
        assert out.size == before.size == (8, 6)
        assert np.array_equal(np.asarray(out), np.asarray(before))
        assert out.getexif()[0x0112] == 6
        assert out.getexif()[0x010E] == "to be turned"
        assert out.getexif().get_ifd(0x8769)[0x9003] == "2026:01:01 00:00:00"
        assert out.info["icc_profile"] == profile("RGB ")
        assert out.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        assert out.text["Comment"] == "a remark"
        assert out.info["xmp"] == b"<x:xmpmeta/>"


@pytest.mark.parametrize(
    ("space", "channels", "kept"), [("GRAY", 1, True), ("GRAY", 3, False), ("RGB ", 1, False), ("RGB ", 3, True)]
)
def test_a_colour_profile_is_kept_where_png_allows_it(tmp_path: Path, space: str, channels: int, kept: bool) -> None:
    Image.fromarray(RGB[:, :, 0]).save(tmp_path / "in.png", icc_profile=profile(space))
    write_picture(tmp_path / "out.png", read_picture(tmp_path / "in.png", channels))
    with Image.open(tmp_path / "out.png") as out:
        assert out.info.get("icc_profile") == (profile(space) if kept else None)


@pytest.mark.parametrize(
    ("above", "below", "kept"), [(300, 1, True), (0, 0, False), (1, 0, False), (4294967295, 1, False)]
)
def test_a_resolution_is_kept_where_png_can_hold_it(tmp_path: Path, above: int, below: int, kept: bool) -> None:
    tags = ImageFileDirectory_v2()
    tags[282] = tags[283] = IFDRational(above, below)
    tags[296] = 2  # in inches
    Image.fromarray(RGB).save(tmp_path / "in.tif", tiffinfo=tags)
    with Image.open(tmp_path / "in.tif") as before:
        assert "dpi" in before.info
    with Image.open(copied(tmp_path / "in.tif")) as out:
        assert out.info.get("dpi") == (pytest.approx((above, above), abs=0.1) if kept else None)


def test_what_png_cannot_hold_is_said_in_one_line(tmp_path: Path) -> None:
    picture = Picture(pixels=RGB.transpose(2, 0, 1), alpha=None, info={"dpi": (1e99, 1e99)})
    with pytest.raises(RequestError, match=r"cannot write .*out\.png .*; remove the metadata"):
        write_picture(tmp_path / "out.png", picture)


def test_texts_of_a_png_are_kept(tmp_path: Path) -> None:
    texts = PngInfo()
    texts.add_text("Title", "café")
    texts.add_itxt("Description", "naïve 图", zip=True)
    Image.fromarray(RGB).save(tmp_path / "in.png", pnginfo=texts)
    with Image.open(copied(tmp_path / "in.png")) as out:
        assert out.text == {"Title": "café", "Description": "naïve 图"}


def test_thumbnails_do_not_give_the_image_away(tmp_path: Path) -> None:
    small = b"\xff\xd8 the image without noise"
    exif = Image.Exif()
    exif[0x010E] = "kept"
    exif.get_ifd(0x0001).update({0x0201: 8, 0x0202: len(small), 0x0103: 6})
    data = exif.tobytes() + small
    Image.fromarray(RGB).save(tmp_path / "in.jpg", exif=data, xmp=b"<xmp:Thumbnails>AAAA</xmp:Thumbnails>")
    out = copied(tmp_path / "in.jpg")
    assert small in (tmp_path / "in.jpg").read_bytes()
    assert small not in out.read_bytes()
    assert b"Thumbnails" not in out.read_bytes()
    with Image.open(out) as image:
        assert image.getexif()[0x010E] == "kept"


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
    for name, why in {
        "cmyk.jpg": "CMYK",
        "grey16.png": "I;16",
        "float.tif": "F",
        "moving.gif": "several frames",
        "colour16.png": "16-bit",
    }.items():
        for read in (read_shape, lambda path: read_picture(path, 3)):
            with pytest.raises(RequestError, match=f"{name} .*{why}.*; repair, convert or remove it"):
                read(tmp_path / name)


def colour_of_16_bits() -> bytes:
    """Return a PNG of 2x2 pixels, which Pillow would read as one of 8 bits."""
    import struct
    import zlib

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
        with pytest.raises(RequestError, match=f"cannot read the image {path} .*; repair") as caught:
            read_picture(path, 3)
        assert "\n" not in str(caught.value)
