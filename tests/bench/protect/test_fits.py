import numpy as np
import pytest

from bench.protect.fits import Resize, Tile

SIZES = [(8, 8), (16, 24), (9, 20), (3, 17), (1, 1), (15, 7)]


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_tiles_cover_the_image_and_lie_where_they_were_cut(height: int, width: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 100, (3, height, width), dtype=np.uint8)
    fit = Tile(size=8)
    tiles = fit.cut(pixels)
    assert tiles.shape == (fit.count(height, width), 3, 8, 8)
    assert len(tiles) == -(-height // 8) * -(-width // 8)
    assert np.array_equal(fit.lay(tiles.astype(np.int8), height, width), pixels)


def test_first_tile_is_the_upper_left_corner() -> None:
    pixels = np.arange(100, dtype=np.uint8).reshape(1, 10, 10)
    assert np.array_equal(Tile(size=8).cut(pixels)[0], pixels[:, :8, :8])


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_resized_noise_is_as_large_as_the_image_and_no_stronger(height: int, width: int) -> None:
    fit = Resize(size=8)
    assert fit.cut(np.zeros((3, height, width), dtype=np.uint8)).shape == (fit.count(height, width), 3, 8, 8)
    noise = np.random.default_rng(0).choice([-8, 8], (1, 3, 8, 8)).astype(np.int8)
    laid = fit.lay(noise, height, width)
    assert laid.shape == (3, height, width)
    assert laid.dtype == np.int8
    assert np.abs(laid).max() <= 8


def test_resizing_keeps_what_is_even() -> None:
    fit = Resize(size=8)
    assert (fit.cut(np.full((1, 5, 30), 77, dtype=np.uint8)) == 77).all()
    assert (fit.lay(np.full((1, 1, 8, 8), -5, dtype=np.int8), 30, 11) == -5).all()


def test_resized_noise_lies_as_the_image_does() -> None:
    noise = np.zeros((1, 1, 8, 8), dtype=np.int8)
    noise[0, 0, :4, 4:] = 8
    laid = Resize(size=8).lay(noise, 16, 32)
    assert (laid[0, :6, 20:] == 8).all()
    assert (laid[0, 10:] == 0).all()
    assert (laid[0, :, :12] == 0).all()
