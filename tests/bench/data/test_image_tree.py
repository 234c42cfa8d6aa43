import hashlib
import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Never

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file

from attacks.core import arrays
from attacks.core.errors import RequestError
from bench.data import Dataset, Places, entry
from bench.data.image_tree import ImageTree
from bench.data.survey import read_files
from bench.data.tree import scan

MakeTree = Callable[..., Path]


def never(*_: object) -> Never:
    raise AssertionError("read again")


def identity(root: Path, places: Places, size: str = "") -> str:
    return entry(f"folder:{root}{size}", places).identity(places)


def load(root: Path, places: Places) -> Dataset:
    return entry(f"folder:{root}", places).load(places)


def kept(places: Places) -> Path:
    (path,) = (places.cache / "datasets").glob("*.safetensors")
    return path


def test_identity_is_of_the_content(pets: Path, places: Places, tmp_path: Path) -> None:
    before = identity(pets, places)
    assert identity(pets.rename(tmp_path / "moved"), places) == before
    assert identity(tmp_path / "moved", places, "@8") != before
    assert identity(tmp_path / "moved", places, "@9") != identity(tmp_path / "moved", places, "@8")
    (tmp_path / "moved/train/cat/0.png").rename(tmp_path / "moved/train/cat/x.png")
    assert identity(tmp_path / "moved", places) != before


def test_identity_changes_with_one_byte(pets: Path, places: Places) -> None:
    before = identity(pets, places)
    path = pets / "test/cat/0.png"
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    time = path.stat().st_mtime_ns + 1_000_000
    path.write_bytes(content)
    os.utime(path, ns=(time, time))
    assert identity(pets, places) != before


def test_files_are_read_once_for_the_identity(pets: Path, places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    before = identity(pets, places)
    monkeypatch.setattr("bench.data.survey.read_files", never)
    assert identity(pets, places) == before


def test_damaged_note_is_made_anew(pets: Path, places: Places) -> None:
    before = identity(pets, places)
    (note,) = (places.cache / "datasets").glob("*.json")
    for content in (b"{", b"[]", b'{"stats": "x"}'):
        note.write_bytes(content)
        assert identity(pets, places) == before


def test_images_are_decoded_once(pets: Path, places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load(pets, places)
    found = entry(f"folder:{pets}", places)
    monkeypatch.setattr("bench.data.image_tree.decode", never)
    again = found.load(places)
    assert again.digest == first.digest
    assert again.name == "pets"
    assert np.array_equal(again.test.images, first.test.images)


def test_large_images_lie_in_files(
    pets: Path, places: Places, lies_in: Callable[[np.ndarray, Path], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrays, "LARGE", 100)
    decoded, read = (load(pets, places) for _ in range(2))
    for dataset in (decoded, read):
        assert lies_in(dataset.train.images, places.cache)
        assert lies_in(dataset.test.images, places.cache)
    assert decoded.digest == read.digest


@pytest.mark.parametrize("damage", ["cut", "pixel", "label", "rubbish"])
def test_damaged_cache_is_set_aside(pets: Path, places: Places, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    digest = load(pets, places).digest
    path = kept(places)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    elif damage == "rubbish":
        path.write_bytes(b"rubbish")
    else:
        content = bytearray(path.read_bytes())
        arrays = load_file(path)
        part = arrays["train_images" if damage == "pixel" else "test_labels"].tobytes()
        content[content.index(part)] ^= 1
        path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert load(pets, places).digest == digest
    assert "is damaged" in caplog.text
    assert path.with_name(f"{path.name}.corrupt").exists()
    assert kept(places) == path


def test_cache_of_another_kind_is_set_aside(pets: Path, places: Places) -> None:
    digest = load(pets, places).digest
    save_file({"other": np.zeros(3)}, kept(places))
    assert load(pets, places).digest == digest


def test_change_between_listing_and_reading_is_noticed(pets: Path, places: Places) -> None:
    found = entry(f"folder:{pets}", places)
    (pets / "train/cat/1.png").write_bytes((pets / "train/cat/2.png").read_bytes() + b"x")
    for ask in (found.check, found.identity, found.load):
        with pytest.raises(RequestError, match="changed while it was in use; rerun"):
            ask(places)
    assert not list(places.cache.rglob("*.safetensors"))


def test_change_while_decoding_does_not_reach_the_cache(pets: Path, places: Places) -> None:
    found = entry(f"folder:{pets}", places)
    found.identity(places)
    (pets / "train/cat/1.png").write_bytes((pets / "train/cat/2.png").read_bytes() + b"x")
    with pytest.raises(RequestError, match="changed while it was in use; rerun"):
        found.load(places)
    assert not list(places.cache.rglob("*.safetensors"))


def test_cache_that_cannot_be_written_is_one_line(pets: Path, places: Places) -> None:
    places.cache.write_text("a file where a folder should be")
    with pytest.raises(RequestError, match=r"cannot write .*cache"):
        load(pets, places)


def notes(root: Path, places: Places) -> list[str]:
    return list(entry(f"folder:{root}", places).notes(places))


def test_a_usual_tree_has_no_notes(make_tree: MakeTree, places: Places) -> None:
    assert notes(make_tree("pets", {"train/cat": 2, "train/dog": 2, "test/cat": 1, "test/dog": 1}), places) == []


def test_notes_tell_what_is_skipped_missing_and_repeated(pets: Path, places: Places) -> None:
    for n in range(10, 22):
        (pets / f"train/cat/{n}.heic").write_bytes(b"heic")
    (pets / "train/cat/a\x1b[31m.txt").write_text("text")
    shutil.copy(pets / "train/cat/0.png", pets / "train/loose.png")
    (pets / "val").mkdir()
    shutil.copy(pets / "train/eel/0.png", pets / "test/dog/copy.png")  # the same bytes under another name and class
    named = ", ".join(f"train/cat/{n}.heic" for n in range(10, 20))
    assert notes(pets, places) == [
        f"files skipped because of their format (.heic, .txt): 13 ({named} and 3 more)",
        "images skipped because they are in no class folder: 1 (train/loose.png)",
        "folders next to train/ and test/ that are not used: 1 (val)",
        "classes without images in test/: 1 of 3 (eel)",
        "files in test/ that are also in train/: 1 of 4 (test/dog/copy.png)",
    ]
    assert notes(pets, places) == notes(pets, Places(data=places.data, cache=places.cache / "new"))


def test_names_in_notes_can_be_printed(pets: Path, places: Places) -> None:
    (pets / "train/cat/a\x1b[31m\n.txt").write_text("text")
    Path(os.fsdecode(bytes(pets / "train/dog") + b"/\xff.txt")).write_text("text")
    (note,) = (note for note in notes(pets, places) if "skipped" in note)
    assert note.isprintable()
    assert r"a\x1b[31m\n.txt" in note


def test_all_grey_files_have_one_channel(make_tree: MakeTree, places: Places) -> None:
    root = make_tree("pets", {"train/cat": 2, "train/dog": 2, "test/cat": 1})
    in_colour = identity(root, places)
    expected = []
    for path, mode in zip(sorted(root.rglob("*.png")), ["L", "LA", "1", "L", "L"], strict=True):
        grey = Image.open(path).convert("L").convert(mode)
        grey.save(path)
        expected.append(np.asarray(grey.convert("L")))
    found = entry(f"folder:{root}", places)
    assert found.shape == (1, 8, 8)
    dataset = found.load(places)
    read = np.concatenate([dataset.test.images, dataset.train.images])  # in the order of the sorted paths
    assert np.array_equal(read[:, 0], np.stack(expected))
    assert entry(f"folder:{root}@4", places).load(places).train.images.shape == (4, 1, 4, 4)
    assert len({in_colour, found.identity(places), identity(root, places, "@4"), identity(root, places, "@5")}) == 4


def test_one_image_in_colour_makes_all_so(make_tree: MakeTree, places: Places) -> None:
    root = make_tree("pets", {"train/cat": 2, "train/dog": 2, "test/cat": 1})
    for path in root.rglob("train/*/*.png"):
        Image.open(path).convert("L").save(path)
    dataset = entry(f"folder:{root}", places).load(places)
    assert dataset.train.images.shape == (4, 3, 8, 8)
    assert (dataset.train.images == dataset.train.images[:, :1]).all()


def test_the_identity_of_grey_files_is_not_what_it_was_in_three_channels(make_tree: MakeTree, places: Places) -> None:
    """Records made when grey files had three channels belong to other cells than those made now."""
    root = make_tree("pets", {"train/cat": 1, "train/dog": 1, "test/cat": 1})
    for path in root.rglob("*.png"):
        Image.open(path).convert("L").save(path)
    found = entry(f"folder:{root}", places)
    assert isinstance(found, ImageTree)
    assert found.identity(places) != replace(found, shape=(3, 8, 8)).identity(places)


def test_a_damaged_file_among_grey_ones_is_named_when_it_is_read(make_tree: MakeTree, places: Places) -> None:
    root = make_tree("pets", {"train/cat": 2, "train/dog": 1, "test/cat": 1})
    for path in root.rglob("*.png"):
        Image.open(path).convert("L").save(path)
    (root / "train/dog/0.png").write_bytes(b"no image")
    with pytest.raises(RequestError, match=r"cannot read the image .*train/dog/0\.png"):
        load(root, places)


def test_files_are_those_of_the_training_images(pets: Path, places: Places) -> None:
    for _ in ("decoded", "from the cache"):
        dataset = load(pets, places)
        assert [len(dataset.files), dataset.files[0]] == [6, "train/cat/0.png"]
        for path, image in zip(dataset.files, dataset.train.images, strict=True):
            assert np.array_equal(image.transpose(1, 2, 0), np.asarray(Image.open(pets / path)))


def test_the_identity_of_a_tree_of_flat_classes_in_colour_is_what_it_was(pets: Path, places: Places) -> None:
    """Records of such trees, including published ones, still belong to the same cells."""
    paths = [path for part in ("train", "test") for path in sorted((pets / part).rglob("*.png"))]
    text = b""
    for path in paths:
        content = path.read_bytes()
        text += f"{path.relative_to(pets)}\0{len(content)}\0".encode() + hashlib.sha256(content).digest()
    files = hashlib.sha256(text).hexdigest()
    assert identity(pets, places) == f"sha256:{files}"
    assert identity(pets, places, "@9") == f"sha256:{hashlib.sha256(f'{files}@9'.encode()).hexdigest()}"


def test_the_order_of_the_images_is_part_of_their_identity(pets: Path, places: Places) -> None:
    """So a record made with the files in another order belongs to another cell."""
    (pets / "train/cat/1").mkdir()
    (pets / "train/cat/0.png").rename(pets / "train/cat/1/0.png")
    tree = scan(pets)
    by_path = tuple(sorted(tree.train, key=lambda file: (file.label, file.path)))  # the former order
    assert [file.path for file in tree.train[:3]] == ["train/cat/1.png", "train/cat/2.png", "train/cat/1/0.png"]
    assert [file.path for file in by_path[:3]] == ["train/cat/1.png", "train/cat/1/0.png", "train/cat/2.png"]
    assert read_files(tree).digest != read_files(replace(tree, train=by_path)).digest
