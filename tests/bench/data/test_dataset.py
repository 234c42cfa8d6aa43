from dataclasses import replace

import numpy as np
import pytest

from bench.data import Dataset, Split


def split(n: int) -> Split:
    return Split(images=np.arange(n * 12, dtype=np.uint8).reshape(n, 3, 2, 2), labels=np.arange(n) % 2)


WHOLE = Dataset(name="any", classes=("a", "b"), train=split(4), test=split(2))


def test_digest_is_of_the_content() -> None:
    assert WHOLE.digest == "df326844555eebfdd19bdd7102ff2c1334c66fae13b0fad724d715e4511b0343"
    assert replace(WHOLE, name="other").digest == WHOLE.digest
    assert replace(WHOLE, classes=("a", "c")).digest != WHOLE.digest
    assert replace(WHOLE, train=WHOLE.test, test=WHOLE.train).digest != WHOLE.digest
    assert replace(WHOLE, test=replace(WHOLE.test, labels=WHOLE.test.labels[::-1])).digest != WHOLE.digest
    images = WHOLE.train.images.copy()
    images[-1, -1, -1, -1] ^= 1
    assert replace(WHOLE, train=replace(WHOLE.train, images=images)).digest != WHOLE.digest
    assert replace(WHOLE, train=replace(WHOLE.train, images=images.reshape(4, 3, 1, 4))).digest != WHOLE.digest


def test_digest_does_not_depend_on_memory_layout() -> None:
    strided = np.asfortranarray(WHOLE.train.images)
    assert replace(WHOLE, train=replace(WHOLE.train, images=strided)).digest == WHOLE.digest


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (np.zeros((2, 3, 2, 2)), np.zeros(2, dtype=np.int64)),
        (np.zeros((2, 2, 2), dtype=np.uint8), np.zeros(2, dtype=np.int64)),
        (np.zeros((2, 3, 2, 2), dtype=np.uint8), np.zeros(3, dtype=np.int64)),
        (np.zeros((2, 3, 2, 2), dtype=np.uint8), np.zeros(2, dtype=np.int32)),
    ],
)
def test_other_arrays_are_refused(images: np.ndarray, labels: np.ndarray) -> None:
    with pytest.raises(ValueError, match="must be"):
        Split(images=images, labels=labels)
