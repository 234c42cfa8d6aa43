"""How visible a noise is: how close protected images are to the originals, and whether a trainer can tell them apart.

PSNR and SSIM (Wang et al. 2004: Gaussian windows of 11 pixels) are computed on all images, or on a sample if these take
more than 256 MiB (1,365 of 3x256x256). The other metrics use at most 5,000 of these images, a fifth of them held out:

- detectability: the accuracy, on held-out protected images, of a two-layer network trained on protected images, to
  be compared with the same on the originals (detector of hala64/udp, AAAI 2024). If it is far above, a trainer can tell
  that the set is protected. The network is narrower and trained for fewer epochs on fewer images than the original
  detector (3072 wide, 100 epochs, all images), which would cost more than most noises do;
- linear separability: the accuracy, on held-out noises, of a linear model trained on noises with their labels, all
  scaled to a standard deviation of 1 (Yu et al., KDD 2022, report the accuracy on the training noises instead).

Samples and random draws are the same for all noises of a dataset, so that their detectability can be compared with that
of the originals, which is computed once.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from attacks.core.batches import Batches
from attacks.core.optimiser import Optimiser, cross_entropy
from attacks.core.runtime import Runtime
from attacks.core.settings import Sgd
from attacks.engine.noise import Noise, apply_noise, standard_deviation
from attacks.task import ENTRIES
from bench.data.dataset import Dataset
from bench.records.metrics import Visibility

PART = 500  # images compared at once; fewer if they are large
WINDOW = 11
SAMPLE, HELD_OUT = 5000, 5  # images (fewer if they are large), of which one in HELD_OUT is held out
LARGEST_SAMPLE = 2**28  # bytes of images
WIDTH = 512  # of the hidden layer; less if images are large
LARGEST_LAYER = 2**22  # weights
EPOCHS, BATCH, RATE, DECAY = 20, 128, 0.01, 5e-4  # the rate falls to a tenth after 75 and 90% of the epochs
SEED = 0

_of_originals: dict[tuple[str, Runtime], float | None] = {}


def measure_visibility(dataset: Dataset, noise: Noise, runtime: Runtime) -> Visibility:
    """Measure a noise (N, C, H, W) for the training images of a dataset, in fp32, or in fp64 if the runtime is."""
    exact = runtime if runtime.precision == "fp64" else replace(runtime, precision="fp32")
    drawn = np.random.default_rng(SEED).permutation(len(noise))[: max(1, LARGEST_SAMPLE // noise[0].size)]
    near = zip(*_near(dataset, noise, np.sort(drawn), exact), strict=True)
    psnr, ssim = (torch.cat(found).double().cpu() for found in near)
    changed, chosen = psnr[psnr.isfinite()], drawn[:SAMPLE]
    images, labels = dataset.train.images[chosen], torch.from_numpy(dataset.train.labels[chosen])
    classes, width = len(dataset.classes), min(WIDTH, LARGEST_LAYER // noise[0].size)

    def detected(pixels: np.ndarray) -> float | None:
        return held_out_accuracy(torch.from_numpy(pixels), labels, classes, exact, unit=255, hidden=width)

    def separated(levels: np.ndarray, scale: float) -> float | None:
        return held_out_accuracy(torch.from_numpy(levels), labels, classes, exact, unit=scale)

    clean = (dataset.digest, exact)
    if clean not in _of_originals:
        _of_originals[clean] = detected(images)
    added = noise[chosen]
    protected, scale = apply_noise(images, added), standard_deviation(added)
    return Visibility(
        psnr_mean=float(changed.mean()) if len(changed) else None,
        psnr_worst=float(changed.min()) if len(changed) else None,
        ssim_mean=float(ssim.mean()),
        ssim_worst=float(ssim.min()),
        detectability=detected(protected) if (protected != images).any() else _of_originals[clean],
        detectability_clean=_of_originals[clean],
        separability=separated(added, scale) if scale else None,
    )


def _near(dataset: Dataset, noise: Noise, index: np.ndarray, runtime: Runtime) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield PSNR (in dB, infinite where nothing changed) and SSIM, (n,) each, for each chunk of the indexed images."""
    from kornia.metrics import ssim

    window = min(WINDOW, (min(noise.shape[2:]) - 1) // 2 * 2 + 1)
    count = max(1, min(PART, ENTRIES // noise[0].size))
    for start in range(0, len(index), count):
        part = index[start : start + count]
        before = dataset.train.images[part]
        one, other = (
            torch.from_numpy(images).to(runtime.device, runtime.dtype).div_(255)
            for images in (before, apply_noise(before, noise[part]))
        )
        error = (one - other).square().mean((1, 2, 3))
        yield -10 * error.log10(), ssim(one, other, window, padding="valid").mean((1, 2, 3))


def held_out_accuracy(
    items: Tensor, labels: Tensor, classes: int, runtime: Runtime, *, unit: float = 1, hidden: int | None = None
) -> float | None:
    """Train a model on all but the last fifth of some items, and return its accuracy on that fifth, in percent.

    Args:
        items: (n, ...).
        labels: int64 (n,).
        classes: number of classes.
        runtime: device and precision.
        unit: what items are divided by before the model sees them.
        hidden: width of a hidden layer with ReLU; None for a linear model.

    Returns:
        The accuracy; None if there are too few items to hold any out.
    """
    trained = len(items) - len(items) // HELD_OUT
    if trained == len(items):
        return None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        inputs = items[0].numel()
        layers = [nn.Linear(hidden or inputs, classes)]
        model = nn.Sequential(nn.Flatten(), *([nn.Linear(inputs, hidden), nn.ReLU()] if hidden else []), *layers)
    model = runtime.place(model)  # type: ignore[assignment]

    def floats(part: Tensor) -> Tensor:
        return part.to(runtime.dtype) / unit

    items, labels = items.to(runtime.device), labels.to(runtime.device)
    batches = Batches(trained, BATCH, torch.Generator(runtime.device).manual_seed(SEED), whole=True)
    steps = EPOCHS * -(-trained // BATCH)
    falls = tuple(max(1, steps * share // 100) for share in (75, 90))
    optimiser = Optimiser(model, Sgd(lr=RATE, weight_decay=DECAY, milestones=falls), runtime)
    for _ in range(steps):
        index = batches.draw()
        optimiser.update(partial(cross_entropy, model, floats(items[index]), labels[index]))
    model.eval()
    with torch.no_grad():
        right = [
            model(floats(part)).argmax(1) == label
            for part, label in zip(items[trained:].split(PART), labels[trained:].split(PART), strict=True)
        ]
    return 100 * float(torch.cat(right).double().mean())
