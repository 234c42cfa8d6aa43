"""How visible a noise is: PSNR and SSIM against hand calculations and scikit-image, and what gives a noise away."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from attacks.core.runtime import Runtime
from bench.data.dataset import Dataset, Split
from bench.run import visibility as module
from bench.run.visibility import held_out_accuracy, measure_visibility

CPU = Runtime(device=torch.device("cpu"), precision="bf16")
CLASSES = 4


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Use a narrow detector, and nothing cached by another test."""
    monkeypatch.setattr(module, "WIDTH", 64)
    monkeypatch.setattr(module, "_of_originals", {})
    return


def dataset(count: int = 200, side: int = 12) -> Dataset:
    """Return images that reveal nothing about their classes."""
    random = np.random.default_rng(0)
    images = random.integers(60, 196, (count, 3, side, side), dtype=np.uint8)
    split = Split(images=images, labels=(np.arange(count) % CLASSES).astype(np.int64))
    return Dataset(name="toy", classes=tuple("abcd"), train=split, test=split)


def test_the_psnr_is_that_of_a_hand_calculation() -> None:
    given = dataset(10)
    noise = np.zeros(given.train.images.shape, dtype=np.int8)
    noise[1] = 8
    noise[2, 0, 0, 0] = -100
    given.train.images[2, 0, 0, 0] = 30  # clipped at 0, so that 30 of the 100 are left
    found = measure_visibility(given, noise, CPU)
    one, other = 10 * math.log10(255**2 / 64), 10 * math.log10(255**2 / (900 / 432))
    assert found.psnr_mean == pytest.approx((one + other) / 2, rel=1e-5)
    assert found.psnr_worst == pytest.approx(one, rel=1e-5)
    assert (found.ssim_mean, found.ssim_worst) != (1, 1)


def test_the_ssim_is_that_of_scikit_image() -> None:
    given = dataset(6, 14)
    noise = np.random.default_rng(1).integers(-40, 41, given.train.images.shape).astype(np.int8)
    noise[3] = 0
    found = measure_visibility(given, noise, CPU)
    expected = []
    for image, delta in zip(given.train.images, noise, strict=True):
        other = np.clip(image.astype(int) + delta, 0, 255)
        _, whole = structural_similarity(
            image.astype(float),
            other.astype(float),
            channel_axis=0,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=255,
            full=True,
        )
        expected.append(whole[:, 5:-5, 5:-5].mean())
    assert found.ssim_mean == pytest.approx(np.mean(expected), abs=1e-4)
    assert found.ssim_worst == pytest.approx(min(expected), abs=1e-4)


def test_of_a_large_set_a_sample_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    given = dataset(30)
    monkeypatch.setattr(module, "LARGEST_SAMPLE", 10 * given.train.images[0].size)
    sampled = np.random.default_rng(module.SEED).permutation(30)[:10]
    noise = np.full(given.train.images.shape, 8, dtype=np.int8)
    noise[sampled] = 0
    assert measure_visibility(given, noise, CPU).psnr_mean is None
    noise[sampled] = 4
    found = measure_visibility(given, noise, CPU)
    assert found.psnr_mean == found.psnr_worst == pytest.approx(10 * math.log10(255**2 / 16), rel=1e-5)


def test_small_images_have_a_smaller_window() -> None:
    given = dataset(6, 8)
    found = measure_visibility(given, np.full(given.train.images.shape, 30, dtype=np.int8), CPU)
    assert 0 < found.ssim_worst <= found.ssim_mean < 1


def test_a_pattern_per_class_gives_itself_away_and_random_noise_does_not() -> None:
    given = dataset()
    random = np.random.default_rng(2)
    per_image = random.integers(-8, 9, given.train.images.shape).astype(np.int8)
    per_class = 4 * per_image[:CLASSES][given.train.labels]
    hidden, shown = measure_visibility(given, per_image, CPU), measure_visibility(given, per_class, CPU)
    assert hidden.detectability_clean == shown.detectability_clean
    assert hidden.detectability is not None
    assert hidden.separability is not None
    assert hidden.detectability_clean is not None
    assert abs(hidden.detectability - hidden.detectability_clean) <= 15
    assert hidden.separability < 60
    assert shown.detectability == shown.separability == 100
    assert measure_visibility(given, per_class, CPU) == shown


def test_no_noise_is_perfect_and_separates_nothing() -> None:
    given = dataset(20)
    found = measure_visibility(given, np.zeros(given.train.images.shape, dtype=np.int8), CPU)
    assert (found.psnr_mean, found.psnr_worst, found.separability) == (None, None, None)
    assert found.ssim_worst == pytest.approx(1, abs=1e-4)
    assert found.detectability == found.detectability_clean


def test_a_few_images_hold_none_out() -> None:
    given = dataset(4)
    found = measure_visibility(given, np.ones(given.train.images.shape, dtype=np.int8), CPU)
    assert (found.detectability, found.detectability_clean, found.separability) == (None, None, None)


def test_accuracy_is_that_on_items_which_were_held_out() -> None:
    items, labels = torch.randn(100, 400, generator=torch.Generator().manual_seed(1)), torch.arange(100) % 2
    accuracy = held_out_accuracy(items, labels, 2, CPU)
    assert accuracy is not None
    assert accuracy < 85  # it gets all of those it was trained on right
    labels[80:] = 1 - labels[80:]
    assert held_out_accuracy(items, labels, 2, CPU) == pytest.approx(100 - accuracy)
