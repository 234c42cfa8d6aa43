"""Ten classes of small crops, one class per photograph in the scikit-image wheel."""

import importlib.util
import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np

from attacks.core.errors import RequestError
from attacks.spec import Paper
from bench.data.dataset import Dataset, Places, Progress, Split

FILES = (
    "astronaut.png",
    "brick.png",
    "camera.png",
    "chelsea.png",
    "coffee.png",
    "grass.png",
    "gravel.png",
    "ihc.png",
    "motorcycle_left.png",
    "rocket.jpg",
)
SIDE = 32
LARGEST = 64
TRAIN_PART = 0.7
CROPS: dict[str, int] = {"train": 200, "test": 100}

Box = tuple[int, int, int, int]


VANDERWALT14 = Paper(
    key="vanderwalt2014scikit",
    title="scikit-image: Image Processing in Python",
    authors=(
        *("Stéfan van der Walt", "Johannes L. Schönberger", "Juan Nunez-Iglesias", "François Boulogne"),
        *("Joshua D. Warner", "Neil Yager", "Emmanuelle Gouillart", "Tony Yu"),
    ),
    year=2014,
    venue="PeerJ",
    identifier="doi:10.7717/peerj.453",
    kind="article",
)


@dataclass(frozen=True)
class PhotoPatches:
    """The built-in dataset, which needs no download and never changes."""

    name: str = "photo-patches"
    title: str = "crops of ten photographs, included"
    source: str = "the photographs inside the scikit-image package"
    paper: Paper = VANDERWALT14
    shape: tuple[int, int, int] = (3, SIDE, SIDE)
    view: int = SIDE
    classes: int = len(FILES)
    train: int = len(FILES) * CROPS["train"]
    test: int = len(FILES) * CROPS["test"]

    def identity(self, places: Places) -> str:  # noqa: ARG002
        """Return the digest of the pixels."""
        return f"sha256:{_build().digest}"

    def notes(self, places: Places) -> tuple[str, ...]:  # noqa: ARG002
        """Return none: these images are the same everywhere."""
        return ()

    def check(self, places: Places) -> None:  # noqa: ARG002
        """Find the photographs."""
        photographs()

    def load(self, places: Places, progress: Progress | None = None) -> Dataset:  # noqa: ARG002
        """Cut the crops."""
        return _build()


def photographs() -> list[Path]:
    """Return the photographs' files, in class order.

    Raises:
        RequestError: if scikit-image is not installed or lacks them.
    """
    spec = importlib.util.find_spec("skimage")  # finds the package without importing it
    folders = list(spec.submodule_search_locations or []) if spec else []
    if not folders:
        raise RequestError("photo-patches needs the scikit-image package; run: pip install scikit-image")
    paths = [Path(folders[0]) / "data" / file for file in FILES]
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise RequestError(
            f"photo-patches: {missing[0]} is missing; run: pip install --force-reinstall --no-deps scikit-image"
        )
    return paths


def boxes(name: str, width: int, height: int, split: Literal["train", "test"]) -> list[Box]:
    """Draw a class's crops: squares of side 32 to 64 as (left, top, right, bottom).

    Training boxes lie in the left 70% of the photograph and test boxes in the rest, so that no pixel is in both.
    Only `random()` is called, since Python guarantees its sequence for a seed, but not that of other methods.
    """
    draw = random.Random(f"photo-patches/{name}/{split}").random  # noqa: S311
    border = int(TRAIN_PART * width)
    start, end = (0, border) if split == "train" else (border, width)
    found = []
    for _ in range(CROPS[split]):
        side = SIDE + int(draw() * (LARGEST - SIDE + 1))
        left = start + int(draw() * (end - start - side + 1))
        top = int(draw() * (height - side + 1))
        found.append((left, top, left + side, top + side))
    return found


@cache
def _build() -> Dataset:
    paths = photographs()
    return Dataset(
        name="photo-patches",
        classes=tuple(path.stem for path in paths),
        train=_cut(paths, "train"),
        test=_cut(paths, "test"),
    )


def _cut(paths: list[Path], split: Literal["train", "test"]) -> Split:
    from PIL import Image

    crops: list[Image.Image] = []
    for path in paths:
        with Image.open(path) as file:
            photograph = file.convert("RGB")
        found = boxes(path.stem, photograph.width, photograph.height, split)
        crops += [photograph.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=box) for box in found]
    images = np.stack([np.asarray(crop) for crop in crops]).transpose(0, 3, 1, 2)
    labels = np.repeat(np.arange(len(paths), dtype=np.int64), CROPS[split])
    return Split(images=np.ascontiguousarray(images), labels=labels)
