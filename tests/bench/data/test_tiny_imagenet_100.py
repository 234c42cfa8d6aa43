from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from attacks.core.errors import RequestError
from bench.data import Places, entry

MakeTree = Callable[..., Path]
NAME = "tiny-imagenet-100-32px"


def test_a_missing_tree_says_where_its_images_come_from(places: Places) -> None:
    found = entry(NAME, places)
    assert (found.train, found.test, found.shape) == (50_000, 5_000, (3, 32, 32))
    with pytest.raises(RequestError, match=rf"^{NAME}: no folder .*data/{NAME}; from a clone of github\.com/Dhanashri"):
        found.check(places)


def test_the_first_hundred_classes_are_taken_as_they_are(make_tree: MakeTree, places: Places) -> None:
    names = [f"n{number:08d}" for number in range(102)]
    make_tree(f"data/{NAME}", {f"{split}/{name}": 1 for split in ("train", "test") for name in names}, size=(32, 32))
    found = entry(NAME, places)
    found.check(places)
    dataset = found.load(places)
    assert (dataset.name, dataset.classes) == (NAME, tuple(names[:100]))
    assert dataset.train.images.shape == dataset.test.images.shape == (100, 3, 32, 32)


def test_images_of_another_size_are_refused_with_where_the_right_ones_come_from(
    make_tree: MakeTree, places: Places
) -> None:
    names = [f"n{number:08d}" for number in range(100)]
    root = make_tree(
        f"data/{NAME}", {f"{split}/{name}": 1 for split in ("train", "test") for name in names}, size=(32, 32)
    )
    first, last = root / "train" / names[0] / "0.png", root / "test" / names[-1] / "0.png"
    said = r"0\.png is 64x48 pixels, not 32x32; from a clone of github\.com/Dhanashri"
    large = Image.new("RGB", (64, 48))
    large.save(last)
    found = entry(NAME, places)
    found.check(places)  # reads only the first
    with pytest.raises(RequestError, match=f"^{last.parent}/{said}"):
        found.load(places)
    large.save(first)
    with pytest.raises(RequestError, match=f"^{first.parent}/{said}"):
        entry(NAME, places).check(places)
