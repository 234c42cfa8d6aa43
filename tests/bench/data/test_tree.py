"""A tree is listed as torchvision's ImageFolder lists it, and what is not listed is reported."""

import os
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from torchvision.datasets import ImageFolder

from attacks.core.errors import RequestError
from bench.data import Places, entry
from bench.data.survey import read_files
from bench.data.tree import scan

MakeTree = Callable[..., Path]
NESTED = {
    **{f"train/{name}": 2 for name in ("cat", "Dog", "cat-wild", "cat wild")},
    **{f"train/cat/{below}": 2 for below in ("a", "a/b", "a-b", "a b", "B", "a/b/c", "0.png.d")},
    "train/Dog/x/y": 3,
    "test/cat": 1,
    "test/cat/z": 1,
}


def composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def decomposed(name: str) -> str:
    return unicodedata.normalize("NFD", name)


def test_order_is_that_of_torchvisions_image_folder(make_tree: MakeTree) -> None:
    root = make_tree("pets", NESTED)
    for name in ("10.png", "9.JPG", "A.png", "a.png", "é.png", "-.png", "~.png"):
        os.link(root / "train/cat/0.png", root / "train/cat" / name)
    tree = scan(root)
    theirs = ImageFolder(str(root / "train"))
    assert [(str(root / file.path), file.label) for file in tree.train] == theirs.samples
    assert list(tree.classes) == theirs.classes
    paths = [file.path for file in tree.train]
    assert paths != sorted(paths, key=lambda path: (path.split("/")[1], path))  # whole paths sort differently
    assert paths.index("train/cat/~.png") < paths.index("train/cat/a/0.png")


def test_class_names_are_compared_normalised(make_tree: MakeTree, places: Places) -> None:
    names = ("café", "ñandú", "zebra")
    root = make_tree(
        "pets", {f"train/{composed(name)}": 1 for name in names} | {f"test/{decomposed(name)}": 1 for name in names}
    )
    dataset = entry(f"folder:{root}", places).load(places)
    assert dataset.classes == tuple(sorted(map(composed, names)))
    assert dataset.test.labels.tolist() == dataset.train.labels.tolist() == [0, 1, 2]


def test_a_classs_name_in_both_forms_is_refused(make_tree: MakeTree) -> None:
    root = make_tree("pets", {f"train/{form('café')}": 1 for form in (composed, decomposed)} | {"test/café": 1})
    with pytest.raises(RequestError, match=r"train has two folders called 'café', .*; merge them"):
        scan(root)


def test_what_is_not_listed_is_told(make_tree: MakeTree) -> None:
    root = make_tree(
        "pets", {"train/cat": 6, "train/dog": 12, "test/cat": 1, "test/dog": 1, "val/cat": 1, "train/dog/x": 1}
    )
    before = scan(root)
    for name in ("valid/cat", ".git", "@eaDir"):
        (root / name).mkdir(parents=True)
    for n in range(6):
        (root / f"train/cat/{n}.heic").write_bytes(b"heic")
    loose = ("train/dog/x/notes.txt", "train/labels.csv", "test/cat/LICENSE", "train/loose.png", "5.JPG")
    for name in (*loose, ".a.png", "README.md"):
        (root / name).write_bytes(b"x")
    tree = scan(root)
    assert (tree, tree.stats) == (before, before.stats)
    assert len(tree.train) == 19
    assert set(tree.skipped) == {*(f"train/cat/{n}.heic" for n in range(6)), *loose}
    assert tree.unused == ("val", "valid")


def test_splits_under_another_name_are_not_unused(pets: Path) -> None:
    """Where the file system ignores case, the folder train/ may be called Train; a link acts the same here."""
    for name in ("Train", "Test"):
        (pets / name).symlink_to(name.lower())
    assert scan(pets).unused == ()


@pytest.mark.parametrize("tested", ["eel", "CAT"])
def test_a_test_folder_of_other_classes_does_not_hide_a_good_val(tested: str, make_tree: MakeTree) -> None:
    root = make_tree("pets", {"train/cat": 1, "train/dog": 1, f"test/{tested}": 1, "val/cat": 1})
    with pytest.raises(RequestError, match=r"missing from .*; test/ is used, not val/; rename it to use that$"):
        scan(root)


def test_a_file_that_cannot_be_read_is_named_though_the_system_does_not(pets: Path) -> None:
    broken = pets / "train/cat/broken.png"
    broken.symlink_to("/proc/self/mem")  # whose first page is not mapped: an error without a file name
    with pytest.raises(RequestError, match=rf"^cannot read {broken}: Input/output error; check the disk$"):
        read_files(scan(pets))


def test_a_class_of_which_nothing_can_be_read_is_refused_with_its_formats(make_tree: MakeTree) -> None:
    root = make_tree("pets", {"train/cat": 1, "train/dog": 0, "test/cat": 1})
    for name in ("a.HEIC", "b.heic", "c.cr2"):
        (root / "train/dog" / name).write_bytes(b"x")
    with pytest.raises(
        RequestError, match=r"no images in .*train/dog \(3 files of another format: \.cr2, \.heic\); convert these"
    ):
        scan(root)


def test_a_link_to_nowhere_in_place_of_a_class_is_named(pets: Path) -> None:
    (pets / "train/fox").symlink_to("nowhere")
    with pytest.raises(RequestError, match=r"cannot read .*train/fox"):
        scan(pets)
