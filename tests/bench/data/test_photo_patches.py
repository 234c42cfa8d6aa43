from pathlib import Path

import numpy as np
import pytest

from attacks.core.errors import RequestError
from bench.data import Places
from bench.data.photo_patches import PhotoPatches, boxes, photographs

DIGEST = "d3a17de777dabde96d2b7f41f925255d24ad135c7f4ddf23acf96f086d31741b"


def test_pixels_are_the_same_for_ever(places: Places) -> None:
    entry = PhotoPatches()
    dataset = entry.load(places)
    assert dataset.digest == DIGEST
    assert entry.identity(places) == f"sha256:{DIGEST}"
    assert (len(dataset.train.labels), len(dataset.test.labels)) == (entry.train, entry.test) == (2000, 1000)
    assert dataset.train.images.shape[1:] == entry.shape
    assert np.bincount(dataset.train.labels).tolist() == [200] * 10
    assert len(dataset.classes) == entry.classes


@pytest.mark.parametrize(("width", "height"), [(512, 512), (451, 300), (741, 500)])
def test_training_and_test_crops_share_no_pixel(width: int, height: int) -> None:
    train, test = boxes("any", width, height, "train"), boxes("any", width, height, "test")
    assert max(right for _, _, right, _ in train) <= 0.7 * width
    assert min(left for left, _, _, _ in test) >= int(0.7 * width)
    sides = set()
    for left, top, right, bottom in train + test:
        assert left >= 0
        assert right <= width
        assert top >= 0
        assert bottom <= height
        assert right - left == bottom - top
        sides.add(right - left)
    assert (min(sides), max(sides)) == (32, 64)


def test_classes_are_cut_at_different_places() -> None:
    drawn = [boxes(name, 512, 512, "train") for name in ("brick", "grass")]
    drawn += [boxes(name, 512, 512, "test") for name in ("brick", "grass")]
    assert len({tuple(found[:5]) for found in drawn}) == 4


def test_missing_photograph_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.data.photo_patches.FILES", ("astronaut.png", "nobody.png"))
    with pytest.raises(RequestError, match=r"nobody\.png is missing; run: pip install"):
        photographs()


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, places: Places) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RequestError, match="pip install scikit-image"):
        PhotoPatches().check(places)


def test_photographs_are_in_class_order() -> None:
    assert [Path(path).stem for path in photographs()][::9] == ["astronaut", "rocket"]
