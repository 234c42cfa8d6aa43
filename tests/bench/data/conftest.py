"""Small trees of images."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

MakeTree = Callable[..., Path]


@pytest.fixture
def make_tree(tmp_path: Path, write_tree: MakeTree) -> MakeTree:
    """Write random PNGs into a folder with the given name, as `write_tree` does."""

    def make(name: str, counts: Mapping[str, int], size: tuple[int, int] = (8, 8)) -> Path:
        return write_tree(tmp_path / name, counts, size)

    return make


@pytest.fixture
def pets(make_tree: MakeTree) -> Path:
    return make_tree("pets", {"train/cat": 3, "train/dog": 2, "train/eel": 1, "test/cat": 1, "test/dog": 2})
