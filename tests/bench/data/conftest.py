"""Small trees of images and the folders that entries work in."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.data import Places

MakeTree = Callable[..., Path]


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(data=tmp_path / "data", cache=tmp_path / "cache")


@pytest.fixture
def make_tree(tmp_path: Path) -> MakeTree:
    """Write random PNGs: `make_tree("name", {"train/cat": 3, ...}, size=(width, height))`."""

    def make(name: str, counts: Mapping[str, int], size: tuple[int, int] = (8, 8)) -> Path:
        random = np.random.default_rng(0)
        for folder, count in counts.items():
            (tmp_path / name / folder).mkdir(parents=True)
            for n in range(count):
                pixels = random.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
                Image.fromarray(pixels).save(tmp_path / name / folder / f"{n}.png")
        return tmp_path / name

    return make


@pytest.fixture
def pets(make_tree: MakeTree) -> Path:
    return make_tree("pets", {"train/cat": 3, "train/dog": 2, "train/eel": 1, "test/cat": 1, "test/dog": 2})
