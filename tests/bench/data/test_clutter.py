"""Clutter that tools leave in a folder becomes neither a class nor an image."""

import shutil
from pathlib import Path

import pytest

from bench.data import Places, entry
from bench.data.clutter import is_clutter

FOLDERS = [
    *(
        ".ipynb_checkpoints",
        ".thumbnails",
        ".AppleDouble",
        ".Trashes",
        ".Trash-1000",
        ".git",
        ".@__thumb",
        ".picasaoriginals",
    ),
    *("__MACOSX", "Network Trash Folder", "Temporary Items", "$RECYCLE.BIN", "$Recycle.Bin", "RECYCLER"),
    *("System Volume Information", "FOUND.000", "@eaDir", "#recycle", "#snapshot", "@tmp", "@Recycle"),
    *("@Recently-Snapshot", "lost+found", "~snapshot", "__pycache__", "_vti_cnf"),
]
FILES = [
    *(".DS_Store", "._0.png", "Thumbs.db", "ehthumbs.db", "desktop.ini", "Desktop.ini", "Icon\r", "Picasa.ini"),
    *("0.png:Zone.Identifier", "0.png@SynoEAStream", "0.png@SynoResource", ".directory", ".nomedia"),
]


@pytest.mark.parametrize("name", FOLDERS)
def test_folders_of_tools_are_neither_classes_nor_images(pets: Path, places: Places, name: str) -> None:
    before = entry(f"folder:{pets}", places).load(places)
    for place in ("", "train", "test", "train/cat"):
        shutil.copytree(pets / "train/dog", pets / place / name)
        shutil.copytree(pets / "train/dog", pets / place / name / "photo.png" / "deeper")
    found = entry(f"folder:{pets}", places)
    assert found.load(places).digest == before.digest
    assert not [note for note in found.notes(places) if name in note]


@pytest.mark.parametrize("name", FILES)
def test_files_of_tools_are_neither_images_nor_said_to_be_skipped(pets: Path, places: Places, name: str) -> None:
    before = entry(f"folder:{pets}", places).load(places)
    for place in ("", "train", "test", "train/cat"):
        (pets / place / name).write_bytes(b"left by a tool")
    found = entry(f"folder:{pets}", places)
    assert found.load(places).digest == before.digest
    assert not [note for note in found.notes(places) if "skipped" in note]


@pytest.mark.parametrize(
    "name", ["recycled", "recycle", "thumbs", "snapshot", "macosx", "icon", "temporary", "eadir", "@"]
)
def test_a_class_of_a_like_name_is_one(name: str) -> None:
    assert not is_clutter(name)
