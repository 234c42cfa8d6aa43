import logging
import os
from pathlib import Path
from typing import Never

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from attacks.core.errors import RequestError
from bench.data import Dataset, Places, entry


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
    monkeypatch.setattr("bench.data.image_tree.hash_files", never)
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
