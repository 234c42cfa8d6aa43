"""Methods without a network, each against a literal transcription in float64 on the same draws."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from types import ModuleType

import numpy as np
import pytest
import torch
from sklearn.datasets import make_classification
from torch import Tensor

import attacks.task
from attacks.core.settings import Augment
from attacks.methods import METHODS, ar_sandoval22
from attacks.methods.lsp_yu22 import patch_side
from attacks.task import Task

MakeTask = Callable[..., Task]

NAMES = ("lsp-yu22", "ar-sandoval22", "ops-wu23", "cuda-sadasivan23")


def make(name: str, task: Task) -> Tensor:
    return METHODS[name].recipe.make(task).noise


def resized(task: Task, *shape: int) -> Task:
    """Return the task with images of another shape (C, H, W)."""
    generator = torch.Generator().manual_seed(5)
    size = (len(task.images), *shape)
    return replace(task, images=torch.randint(0, 256, size, generator=generator, dtype=torch.uint8))


def classed(task: Task, classes: int) -> Task:
    return replace(task, labels=torch.arange(len(task.images)) % classes, classes=classes)


def norms(noise: Tensor) -> Tensor:
    return noise.double().flatten(1).norm(dim=1)


def same(noise: Tensor, expected: np.ndarray) -> bool:
    return (noise.numpy() == expected).mean() >= 0.999


@pytest.mark.parametrize(
    ("classes", "channels", "required", "size", "cut"),
    [
        (3, 3, 10, (8, 10), 4),
        (11, 3, 3, (8, 10), 4),
        (2, 1, 10, (8, 10), 4),
        (2, 1, 10, (96, 96), 4),
        (2, 1, 10, (97, 97), 2),
    ],
)
def test_ar_is_the_literal_algorithm(
    classes: int,
    channels: int,
    required: float,
    size: tuple[int, int],
    cut: int,
    task: MakeTask,
    literal_others: ModuleType,
) -> None:
    count, (height, width) = 12, size
    fast, slow = (resized(classed(task(precision="fp64", count=count), classes), channels, *size) for _ in range(2))
    noise = make("ar-sandoval22", fast)
    filters = literal_others.search(classes, channels, required, ar_sandoval22.BATCH, slow.generator)
    shape = (height + cut, width + cut, count * channels)
    start = torch.randn(shape, generator=slow.generator, dtype=torch.float64).numpy()
    own = np.concatenate([filters[label] for label in slow.labels.tolist()]).transpose(1, 2, 0)
    signals = literal_others.raster(start, own, cut).reshape(*size, count, channels).transpose(2, 3, 0, 1)
    expected = [np.rint(255 * signal / np.linalg.norm(signal)) for signal in signals]
    assert torch.equal(fast.generator.get_state(), slow.generator.get_state())
    assert same(noise, np.stack(expected))


def test_ar_has_norm_one(task: MakeTask) -> None:
    noise = make("ar-sandoval22", resized(task(), 3, 32, 32))
    assert noise.dtype == torch.int16
    assert ((norms(noise) - 255).abs() < 4).all()


def test_ar_ends_its_search(task: MakeTask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ar_sandoval22, "MOST_BATCHES", 2)
    with pytest.raises(RuntimeError, match=r"only \d+ of 1000 autoregressive filters found in 2 batches"):
        make("ar-sandoval22", classed(task(), 1000))


def test_ar_refuses_signals_that_overflow(task: MakeTask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ar_sandoval22, "find_filters", lambda given: torch.full((3, 3, given.classes, 3), 1e5))
    with pytest.raises(RuntimeError, match="signals of 8x8 pixels overflow"):
        make("ar-sandoval22", task())


def shortcut(images: np.ndarray, taken: list[tuple[int, int, tuple[int, ...]]]) -> tuple[int, int, tuple[int, ...]]:
    """Find the pixel and colour of a class from its images (n, C, H, W) in [0, 1]."""
    _, channels, height, width = images.shape
    scores = {}
    for colour in product((0, 1), repeat=channels):
        for row, column in product(range(height), range(width)):
            far = np.abs(np.array(colour) - images[:, :, row, column])
            if (row, column, colour) not in taken:
                scores[row, column, colour] = far.mean() / far.std()
    return max(scores, key=lambda pair: scores[pair])


@pytest.mark.parametrize("saturated", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_ops_is_the_literal_algorithm(channels: int, saturated: bool, task: MakeTask) -> None:
    given = resized(task(count=20, saturated=saturated), channels, 5, 7)
    images, labels = given.images.numpy(), given.labels.numpy()
    expected = np.zeros(images.shape)
    taken: list[tuple[int, int, tuple[int, ...]]] = []
    for label in range(given.classes):
        row, column, colour = pair = shortcut(images[labels == label] / 255, taken)
        taken.append(pair)
        for number in np.flatnonzero(labels == label):
            expected[number, :, row, column] = 255 * np.array(colour) - images[number, :, row, column]
    assert same(make("ops-wu23", given), expected)


def test_ops_sets_one_pixel_per_class(task: MakeTask) -> None:
    given = task(count=40)
    noise = make("ops-wu23", given)
    assert noise.dtype == torch.int16
    assert torch.equal(noise, make("ops-wu23", task(count=40, seed=9)))
    pairs = set()
    for label in range(given.classes):
        changed = noise[given.labels == label].any(1)
        assert (changed.flatten(1).sum(1) <= 1).all()
        ((row, column),) = changed.any(0).nonzero().tolist()
        ((*colour,),) = (given.images + noise)[given.labels == label, :, row, column].unique(dim=0).tolist()
        assert set(colour) <= {0, 255}
        pairs.add((row, column, *colour))
    assert len(pairs) == given.classes


def test_ops_without_deviation_takes_the_largest_change_first_in_order(task: MakeTask) -> None:
    given = replace(task(), images=torch.full((12, 3, 2, 2), 100, dtype=torch.uint8))
    noise = make("ops-wu23", given)
    for label in range(3):
        own = noise[given.labels == label].flatten(2)
        assert (own[:, :, label] == 155).all()
        assert own.count_nonzero() == own[:, :, label].numel()


def test_ops_needs_a_pair_for_each_class(task: MakeTask) -> None:
    given = task()
    with pytest.raises(ValueError, match="for 3 classes do not fit into 1x1 pixels"):
        make("ops-wu23", replace(given, images=given.images[:, :1, :1, :1]))


def blurred(image: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Convolve each channel of an image (C, H, W), zero-padded, and divide by the largest value."""
    channels, height, width = image.shape
    new = np.zeros(image.shape)
    for channel, row, column in product(range(channels), range(height), range(width)):
        for down, right in product((-1, 0, 1), (-1, 0, 1)):
            if 0 <= row + down < height and 0 <= column + right < width:
                new[channel, row, column] += weights[1 + down, 1 + right] * image[channel, row + down, column + right]
    return new / new.max() if new.any() else new


@pytest.mark.parametrize("saturated", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_cuda_is_the_literal_algorithm(channels: int, saturated: bool, task: MakeTask) -> None:
    given, again = (resized(task(precision="fp64", saturated=saturated), channels, 6, 8) for _ in range(2))
    given.images[4] = again.images[4] = 0
    noise = make("cuda-sadasivan23", given)
    weights = torch.empty(3, 9, dtype=torch.float64).uniform_(0, 0.3, generator=again.generator).numpy()
    ones = torch.randint(9, (3, 1), generator=again.generator).numpy()
    for own, place in zip(weights, ones[:, 0], strict=True):
        own[place] = 1
    images = again.images.numpy().astype(float)
    expected = [
        np.trunc(255 * blurred(image / 255, weights[label].reshape(3, 3))) - image
        for image, label in zip(images, again.labels.tolist(), strict=True)
    ]
    assert noise.dtype == torch.int16
    assert not noise[4].any()
    assert same(noise, np.stack(expected))


def test_cuda_images_use_the_whole_range(task: MakeTask) -> None:
    given = task()
    new = given.images + make("cuda-sadasivan23", given)
    assert new.min() >= 0
    assert (new.flatten(1).amax(1) == 255).all()


@pytest.mark.parametrize(
    ("channels", "side", "seen", "patch"), [(3, 32, None, 8), (3, 224, 224, 32), (3, 256, 224, 32), (1, 8, None, 2)]
)
def test_lsp_is_the_literal_algorithm(channels: int, side: int, seen: int | None, patch: int, task: MakeTask) -> None:
    augment = Augment(kind="resized-crop", size=seen) if seen else Augment()
    labels = torch.tensor([0, 3, 0, 1, 1, 0, 3, 0])  # shares that floats represent exactly; no image of class 2
    fast, slow = (
        replace(resized(task(precision="fp64", count=8, augment=augment), channels, side, side), labels=labels)
        for _ in range(2)
    )
    noise = make("lsp-yu22", replace(fast, classes=4))
    patches = side // patch
    points, owners = make_classification(
        n_samples=8,
        n_features=channels * patches**2,
        n_informative=channels * patches**2,
        n_redundant=0,
        n_repeated=0,
        n_classes=4,
        n_clusters_per_class=1,
        weights=[0.5, 0.25, 0, 0.25],
        flip_y=0,
        class_sep=10,
        random_state=int(torch.randint(2**32, (), generator=slow.generator)),
    )
    waiting = {label: list(points[owners == label]) for label in range(4)}
    expected = np.empty((8, channels, side, side))
    for number, label in enumerate(labels.tolist()):
        point = waiting[label].pop(0).reshape(channels, patches, patches)
        drawn = np.stack([np.kron(channel, np.ones((patch, patch))) for channel in point])
        norm = 6 / 255 * (channels * side * side) ** 0.5
        expected[number] = np.rint(255 * norm * drawn / np.linalg.norm(drawn))
    assert torch.equal(fast.generator.get_state(), slow.generator.get_state())
    assert same(noise, expected)


def separable(points: np.ndarray, labels: np.ndarray) -> bool:
    """Return whether least squares on one-hot labels classifies every point correctly."""
    inputs = np.c_[points, np.ones(len(points))]
    weights = np.linalg.lstsq(inputs, np.eye(labels.max() + 1)[labels], rcond=None)[0]
    return bool(((inputs @ weights).argmax(1) == labels).all())


def test_lsp_is_linearly_separable_patches(task: MakeTask) -> None:
    labels = torch.randint(0, 4, (400,), generator=torch.Generator().manual_seed(2)).clamp_(max=2)  # uneven
    noise = make("lsp-yu22", replace(task(count=400), labels=labels, classes=5))  # two classes without images
    patches = noise.unfold(2, 2, 2).unfold(3, 2, 2).flatten(4)
    points = patches[..., 0].flatten(1).double().numpy()
    assert noise.dtype == torch.int8
    assert torch.equal(patches.amin(4), patches.amax(4))
    assert len(np.unique(points, axis=0)) == 400
    assert separable(points, labels.numpy())
    assert not separable(points, labels.roll(1).numpy())


def test_lsp_has_its_norm(task: MakeTask) -> None:
    noise = make("lsp-yu22", task(count=50))
    assert ((norms(noise) / 192**0.5 - 6).abs() < 0.2).all()  # the effect of rounding 48 patches
    assert (norms(noise[:, :1]) / 64**0.5 - 6).abs().max() > 0.5  # the norm of the image, not of each channel


@pytest.mark.parametrize(("side", "patch"), [(32, 8), (224, 32), (28, 4), (64, 16), (8, 2), (3, 1)])
def test_lsp_patches(side: int, patch: int) -> None:
    assert patch_side(side) == patch


@pytest.mark.parametrize("name", NAMES)
def test_any_size_and_channels(name: str, task: MakeTask) -> None:
    given = resized(task(), 1, 9, 13)
    noise = make(name, given)
    assert noise.shape == given.images.shape
    assert noise.flatten(1).any(1).all()


@pytest.mark.parametrize("name", ["lsp-yu22", "ops-wu23", "cuda-sadasivan23"])  # AR draws per chunk
def test_chunks_bound_the_memory_only(name: str, task: MakeTask, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = make(name, task())
    monkeypatch.setattr(attacks.task, "ENTRIES", 500)
    assert torch.equal(make(name, task()), whole)
