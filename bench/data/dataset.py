"""What a dataset is: named uint8 images with labels, a train and a test split, and a content digest."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import numpy as np

Progress = Callable[[int, int], None]
"""Called with (amount done, total amount)."""


@dataclass(frozen=True, kw_only=True)
class Split:
    """Images and their labels.

    Attributes:
        images: uint8 `(N, C, H, W)`.
        labels: int64 `(N,)`, indices into the dataset's classes.
    """

    images: np.ndarray
    labels: np.ndarray

    def __post_init__(self) -> None:
        if self.images.dtype != np.uint8 or self.images.ndim != 4:
            raise ValueError(f"images must be uint8 (N, C, H, W), not {self.images.dtype} {self.images.shape}")
        if self.labels.dtype != np.int64 or self.labels.shape != self.images.shape[:1]:
            raise ValueError(f"labels must be int64 (N,), not {self.labels.dtype} {self.labels.shape}")


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A whole dataset in memory.

    Attributes:
        name: in records.
        classes: names of the classes, by label.
        train, test: the two splits.
        files: paths of the training images below the dataset's folder, in order; empty if they are not files.
    """

    name: str
    classes: tuple[str, ...]
    train: Split
    test: Split
    files: tuple[str, ...] = ()

    @cached_property
    def digest(self) -> str:
        """SHA-256, in hex, over shapes, class names, pixels and labels of both splits, in order."""
        shapes = [split.images.shape for split in (self.train, self.test)]
        digest = hashlib.sha256(json.dumps([shapes, self.classes]).encode())
        for split in (self.train, self.test):
            digest.update(np.ascontiguousarray(split.images).data)
            digest.update(np.ascontiguousarray(split.labels, dtype="<i8").data)
        return digest.hexdigest()


Cached = Literal["datasets", "noise", "prepared", "pretrained", "records", "unfinished"]
"""What the cache keeps: decoded images, noises, learned preparations, pretrained weights, what was read from records,
and the state of unfinished cells."""


@dataclass(frozen=True, kw_only=True)
class Places:
    """Folders that data is read from and written to.

    Attributes:
        data: where downloads and local trees are.
        cache: where everything that can be made again is kept, in a folder per kind.
    """

    data: Path
    cache: Path

    def cached(self, kind: Cached) -> Path:
        """Return the folder of the cache for one kind of things."""
        return self.cache / kind


@runtime_checkable
class Entry(Protocol):
    """A dataset that is available by name; nothing is read before a method is called.

    One that the user has to fetch also has a `to_fetch`: one line on what to put where.
    """

    @property
    def name(self) -> str:
        """Its name in records."""

    @property
    def title(self) -> str:
        """One line for lists."""

    @property
    def source(self) -> str:
        """Where the images come from."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width as stored."""

    @property
    def view(self) -> int:
        """Side of the crop that networks see, in pixels."""

    @property
    def classes(self) -> int:
        """Number of classes."""

    @property
    def train(self) -> int:
        """Number of training images."""

    @property
    def test(self) -> int:
        """Number of test images."""

    def identity(self, places: Places) -> str:
        """Return what identifies these images in a cell's key; cheap after the first call.

        Raises:
            RequestError: if that requires data that is missing.
        """

    def notes(self, places: Places) -> tuple[str, ...]:
        """Return what users should know about these images, one line each: what was left out, what could mislead.

        Raises:
            RequestError: as for `identity`.
        """

    def check(self, places: Places) -> None:
        """Check within seconds that `load` would not fail for missing data; download nothing, decode one image at most.

        Raises:
            RequestError: if it would fail; the message says what to fetch and how.
        """

    def load(self, places: Places, progress: Progress | None = None) -> Dataset:
        """Read the images, fetching them first if possible.

        Raises:
            RequestError: if data is missing, damaged or unusable.
        """
