import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from attacks.core.errors import RequestError
from bench.data import Places, entry

MakeTree = Callable[..., Path]
GOOD = {"train/cat": 2, "train/dog": 2, "test/cat": 1, "test/dog": 1}


def test_entry_tells_what_is_there(pets: Path, places: Places) -> None:
    found = entry(f"folder:{pets}", places)
    found.check(places)
    assert (found.name, found.shape, found.view) == ("pets", (3, 8, 8), 8)
    assert (found.classes, found.train, found.test) == (3, 6, 3)


def test_images_are_those_of_a_plain_loop(pets: Path, places: Places) -> None:
    told: list[tuple[int, int]] = []
    dataset = entry(f"folder:{pets}", places).load(places, lambda done, total: told.append((done, total)))
    assert dataset.classes == ("cat", "dog", "eel")
    for split, part in ((dataset.train, "train"), (dataset.test, "test")):
        paths = sorted((pets / part).glob("*/*.png"))
        plain = np.stack([np.asarray(Image.open(path).convert("RGB")) for path in paths]).transpose(0, 3, 1, 2)
        assert np.array_equal(split.images, plain)
        assert [dataset.classes[label] for label in split.labels] == [path.parent.name for path in paths]
    assert told[-1] == (9, 9)


def test_other_files_and_hidden_ones_are_passed_over(pets: Path, places: Places) -> None:
    (pets / "train/cat/.hidden.png").write_bytes(b"no image")
    (pets / "train/cat/notes.txt").write_text("no image")
    (pets / "train/.hidden").mkdir()
    (pets / "train/dog/deeper").mkdir()
    shutil.copy(pets / "train/dog/0.png", pets / "train/dog/deeper/0.PNG")
    assert entry(f"folder:{pets}", places).train == 7


def test_val_stands_in_for_test(make_tree: MakeTree, places: Places) -> None:
    root = make_tree("pets", {"train/cat": 1, "train/dog": 1, "val/cat": 2})
    assert entry(f"folder:{root}", places).test == 2


def test_size_is_asked_for_and_named(make_tree: MakeTree, places: Places) -> None:
    root = make_tree("pets", GOOD, size=(12, 9))
    found = entry(f"folder:{root}@6", places)
    assert (found.name, found.shape, found.view) == ("pets-6", (3, 6, 6), 6)
    assert found.load(places).train.images.shape == (4, 3, 6, 6)


def test_relative_path_may_lie_in_the_data_folder(make_tree: MakeTree, places: Places) -> None:
    make_tree("data/pets", GOOD)
    assert entry("folder:pets", places).source == str(places.data / "pets")


@pytest.mark.parametrize(("name", "recorded"), [("my pets (2)", "my-pets-2-"), ("_pets", "pets"), ("p" * 99, "p" * 80)])
def test_record_name_is_made_safe(make_tree: MakeTree, places: Places, name: str, recorded: str) -> None:
    assert entry(f"folder:{make_tree(name, GOOD)}", places).name == recorded


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"cat": 1, "dog": 1}, "has no train/ folder"),
        ({"train/cat": 1, "train/dog": 1}, "has neither a test/ nor a val/ folder"),
        ({"train": 1, "test/cat": 1}, "pets/train has no class folders"),
        ({**GOOD, "train/eel": 0}, "no images in .*pets/train/eel"),
        ({**GOOD, "train/eel": 1, "test/eel": 0}, "no images in .*pets/test/eel"),
        ({**GOOD, "test/eel": 1}, "pets/test/eel is a class missing from .*pets/train; add it there or"),
        ({**GOOD, "test/CAT": 1}, "pets/test/CAT is a class missing from .*pets/train; rename it to 'cat'"),
        ({"train/cat": 1, "test/cat": 1}, "pets/train has only one class, 'cat'"),
    ],
)
def test_wrong_layout_is_one_line(make_tree: MakeTree, places: Places, counts: Mapping[str, int], message: str) -> None:
    refuses(f"folder:{make_tree('pets', counts)}", places, message)


def test_wrong_requests_are_one_line(make_tree: MakeTree, places: Places) -> None:
    refuses("folder:", places, "does not name a folder")
    refuses("folder:/nowhere/pets", places, "no folder /nowhere/pets; expected")
    refuses(f"folder:{make_tree('pets', GOOD)}@0", places, "asks for 0 pixels; choose a size from 1 to")
    refuses(f"folder:x@{'9' * 5000}", places, "asks for 999999999 pixels; choose a size from 1 to")
    refuses(f"folder:{make_tree('cifar10', GOOD)}", places, "would be called 'cifar10' in records")
    refuses(f"folder:{make_tree('___', GOOD)}", places, "rename the folder")
    refuses(f"folder:{make_tree('wide', GOOD, size=(9, 8))}", places, "is 9x8 pixels and not square; write .*wide@SIZE")


def test_broken_link_is_named(pets: Path, places: Places) -> None:
    (pets / "train/cat/9.png").symlink_to("nowhere.png")
    refuses(f"folder:{pets}", places, "cannot read .*9.png")


def test_images_of_two_sizes_are_named(pets: Path, places: Places) -> None:
    Image.new("RGB", (10, 7)).save(pets / "train/dog/1.png")
    found = entry(f"folder:{pets}", places)
    with pytest.raises(RequestError, match=r"train/dog/1\.png is 10x7 .* train/cat/0\.png is 8x8; .*pets@8$"):
        found.load(places)
    assert entry(f"folder:{pets}@8", places).load(places).train.images.shape == (6, 3, 8, 8)


def test_damaged_image_is_named(pets: Path, places: Places) -> None:
    (pets / "test/dog/1.png").write_bytes(b"no image")
    found = entry(f"folder:{pets}", places)
    with pytest.raises(RequestError, match=r"cannot read the image .*test/dog/1\.png"):
        found.load(places)


def test_warnings_of_pillow_are_not_printed(pets: Path, places: Places) -> None:
    damaged = b"Exif\0\0MM\0*\0\0\0\x08\0\x09\x01\x12"
    for name in ("train/cat/0.png", "test/dog/1.png"):  # the first is read to tell the size
        Image.new("RGB", (8, 8)).save(pets / name, exif=damaged)
    entry(f"folder:{pets}", places).load(places)  # here a warning is an error


def refuses(spec: str, places: Places, message: str) -> None:
    with pytest.raises(RequestError, match=message) as caught:
        entry(spec, places)
    assert "\n" not in str(caught.value)
