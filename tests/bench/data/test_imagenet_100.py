from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision.transforms import Resize

from attacks.core.errors import RequestError
from bench.data import Places, entry

MakeTree = Callable[..., Path]
WNIDS = [f"n{n:08d}" for n in range(102)]


def test_missing_tree_says_what_to_fetch(places: Places) -> None:
    found = entry("imagenet-100", places)
    assert (found.train, found.test, found.shape, found.view) == (129_395, 5_000, (3, 256, 256), 224)
    for ask in (found.check, found.identity, found.load):
        with pytest.raises(
            RequestError, match=r"^imagenet-100: no folder .*data/imagenet; download ILSVRC2012_img_train\.tar"
        ):
            ask(places)


def test_first_hundred_classes_are_taken(make_tree: MakeTree, places: Places) -> None:
    root = make_tree(
        "data/imagenet", {f"{split}/{wnid}": 1 for split in ("train", "val") for wnid in WNIDS}, size=(9, 7)
    )
    for wnid in WNIDS[:1]:
        (root / "train" / wnid / "more.png").write_bytes((root / "train" / wnid / "0.png").read_bytes())
    found = entry("imagenet-100", places)
    found.check(places)
    assert (found.train, found.test) == (101, 100)
    dataset = found.load(places)
    assert dataset.name == "imagenet-100"
    assert dataset.classes == tuple(WNIDS[:100])
    assert dataset.train.images.shape == (101, 3, 256, 256)
    for image, part in ((dataset.train.images[0], "train"), (dataset.test.images[0], "val")):
        squashed = Resize([256, 256])(Image.open(root / part / WNIDS[0] / "0.png").convert("RGB"))
        assert np.array_equal(image.transpose(1, 2, 0), np.asarray(squashed))


def test_how_images_are_resized_is_part_of_their_identity(make_tree: MakeTree, places: Places) -> None:
    root = make_tree("data/imagenet", {f"{split}/{wnid}": 1 for split in ("train", "val") for wnid in WNIDS[:100]})
    assert entry("imagenet-100", places).identity(places) != entry(f"folder:{root}@256", places).identity(places)


def test_too_few_classes(make_tree: MakeTree, places: Places) -> None:
    make_tree("data/imagenet", {f"{split}/{wnid}": 1 for split in ("train", "val") for wnid in WNIDS[:3]})
    with pytest.raises(RequestError, match="has 3 classes, not 100; download ILSVRC"):
        entry("imagenet-100", places).check(places)


def test_flat_validation_folder(make_tree: MakeTree, places: Places) -> None:
    make_tree("data/imagenet", {**{f"train/{wnid}": 1 for wnid in WNIDS}, "val": 1})
    with pytest.raises(RequestError, match=r"val has no class folders; expected [^;]*$"):
        entry("imagenet-100", places).check(places)


def test_unlabelled_test_images_beside_a_validation_folder(make_tree: MakeTree, places: Places) -> None:
    make_tree("data/imagenet", {**{f"{split}/{wnid}": 1 for split in ("train", "val") for wnid in WNIDS}, "test": 2})
    said = r"test has no class folders; .*; test/ is used, not val/; rename it to use that$"
    with pytest.raises(RequestError, match=said):
        entry("imagenet-100", places).check(places)
