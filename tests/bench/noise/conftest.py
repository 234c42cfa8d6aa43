"""A tiny dataset, and noise for it."""

import numpy as np
import pytest

from attacks.engine.noise import Noise
from bench.data.dataset import Dataset, Split

COUNT, CLASSES, SHAPE = 12, 3, (2, 5, 4)  # channels, height and width all differ


@pytest.fixture
def dataset() -> Dataset:
    random = np.random.default_rng(0)
    splits = (
        Split(
            images=random.integers(0, 256, (n, *SHAPE), dtype=np.uint8), labels=np.arange(n, dtype=np.int64) % CLASSES
        )
        for n in (COUNT, CLASSES)
    )
    train, test = splits
    return Dataset(name="dots", classes=("ant", "bee", "cat"), train=train, test=test)


@pytest.fixture
def noise() -> Noise:
    drawn = np.random.default_rng(1).integers(-8, 9, (COUNT, *SHAPE), dtype=np.int8)
    drawn[0, 0, 0, 0] = 8
    return drawn
