import errno
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision.transforms import Resize

from attacks.core.errors import RequestError
from bench.data.decode import ImageError, TooLargeError, decode, pixel_limit, unwarned

RGB = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)


def saved(path: Path, image: Image.Image) -> Path:
    image.save(path)
    return path


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_png_modes_are_what_pillow_makes_of_them(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(RGB).convert(mode)
    expected = np.asarray(image.convert("RGB")).transpose(2, 0, 1)
    assert np.array_equal(decode(saved(tmp_path / "image.png", image), None), expected)


def test_cmyk(tmp_path: Path) -> None:
    path = saved(tmp_path / "image.tif", Image.fromarray(RGB).convert("CMYK"))
    assert np.array_equal(decode(path, None), RGB.transpose(2, 0, 1))


def test_palette_with_transparency_warns_of_nothing(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    image = Image.fromarray(RGB).convert("P")
    image.save(path, transparency=bytes([0, 128, 255]))
    assert np.array_equal(decode(path, None), np.asarray(image.convert("RGB")).transpose(2, 0, 1))


@pytest.mark.parametrize("ending", ["png", "tif", "pgm"])
def test_sixteen_bit_grey_is_scaled(tmp_path: Path, ending: str) -> None:
    grey = np.array([[0, 257, 128 * 257], [65535, 256, 129]], dtype=np.uint16)
    image = decode(saved(tmp_path / f"image.{ending}", Image.fromarray(grey)), None)
    assert image.tolist() == [[[0, 1, 128], [255, 1, 1]]] * 3


def test_floating_point_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "image.tif", Image.fromarray(np.ones((4, 4), dtype=np.float32)))
    with pytest.raises(RequestError, match=r"image\.tif .*floating-point"):
        decode(path, None)


def test_exif_orientation_is_respected(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter to the right
    Image.fromarray(RGB).save(path, exif=exif)
    assert np.array_equal(decode(path, None), np.rot90(RGB, -1).transpose(2, 0, 1))


def test_the_middle_square_is_taken(tmp_path: Path) -> None:
    picture = np.zeros((4, 10, 3), dtype=np.uint8)
    picture[:, 3:7] = 200
    assert (decode(saved(tmp_path / "image.png", Image.fromarray(picture)), 4) == 200).all()
    assert decode(tmp_path / "image.png", 16).shape == (3, 16, 16)


@pytest.mark.parametrize("size", [(10, 4), (300, 700), (256, 256)], ids=str)
def test_a_whole_image_is_squashed_as_torchvision_does(tmp_path: Path, size: tuple[int, int]) -> None:
    picture = Image.fromarray(np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8))
    found = decode(saved(tmp_path / "image.png", picture), 256, "whole")
    assert np.array_equal(found.transpose(1, 2, 0), np.asarray(Resize([256, 256])(picture)))


@pytest.mark.parametrize("ending", ["png", "jpg", "gif", "bmp", "tif", "webp"])
def test_damaged_image_is_named_in_one_line(tmp_path: Path, ending: str) -> None:
    path = saved(tmp_path / f"image.{ending}", Image.fromarray(np.tile(RGB, (20, 20, 1))))
    whole = path.read_bytes()
    for content in (b"", b"not an image", whole[: len(whole) // 2]):
        path.write_bytes(content)
        said = f"cannot read the image {path} .*; repair, convert or remove it"
        with pytest.raises(RequestError, match=said) as caught:
            decode(path, None)
        assert "\n" not in str(caught.value)


def test_an_image_that_must_not_be_read_is_no_image_to_remove(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "image.png", Image.fromarray(RGB))

    def refuse(*_: object, **__: object) -> None:  # as for anyone but root
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr("PIL.Image.open", refuse)
    with pytest.raises(RequestError, match=r"image\.png \(Permission denied\); check its permissions$"):
        decode(path, None)


def test_the_content_counts_and_other_formats_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    Image.fromarray(RGB).save(path, "BMP")
    assert np.array_equal(decode(path, None), RGB.transpose(2, 0, 1))
    Image.fromarray(RGB).save(path, "DDS")
    with Image.open(path) as image:
        assert image.format == "DDS"
    with pytest.raises(ImageError, match=r"image\.png \(not an image in a supported format\); repair"):
        decode(path, None)


def test_the_limit_on_pixels_is_told(tmp_path: Path) -> None:
    path, before = saved(tmp_path / "image.png", Image.fromarray(RGB)), Image.MAX_IMAGE_PIXELS
    with (
        unwarned(),
        pixel_limit(46),
        pytest.raises(TooLargeError, match=r"\(48 pixels; at most 46 are read, .*\); shrink it or cut it") as caught,
    ):
        decode(path, None)
    assert caught.value.pixels == 48
    with unwarned(), pixel_limit(48):
        decode(path, None)
    assert before == Image.MAX_IMAGE_PIXELS
