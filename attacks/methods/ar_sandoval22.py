"""AR (autoregressive perturbations).

Sandoval-Segura et al., "Autoregressive Perturbations for Data Poisoning", NeurIPS 2022, appendix A.3 and the released
code: each class has one 3x3 filter per channel, whose last weight is 0 and whose weights sum to 1. An image's noise
starts as N(0, 1); each pixel, in raster order, becomes the filter's response to the pixels above and to the left of it;
the first 4 rows and columns are cut off (2 for sides above 96), and the L2 norm is set to 1 (images in [0, 1]).

Filters are found greedily, as in the released code: a random filter is kept if 3 of its signals of side 32 have a norm
of at most 50, and if the filter of every previous class, with its last weight set to -1, has a response of at least 10
(released for ten classes) or 3 (released for a hundred classes; here for more than ten) to the last signal.

Differences from the released code: each seed finds its own filters, whereas there all noise comes from ten (CIFAR-100:
a hundred) that are shipped; the norm limit is for 3 channels, and scaled for other numbers; a channel that exceeds it
alone is discarded before channels are combined, which saves most draws without changing the distribution of the
filters; the noise is rounded to the 1/255 grid, which changes the norm slightly (up to 1.005 at side 32, 1.135 at side
256). On ImageNet the released code makes noise for the central 224 pixels of an image, all that it keeps; here the
noise has the size of the stored image, 256, of which networks see 224. Filters are found at side 32 whatever the image
size: at larger sizes the signals of most filters grow towards the lower right, so that rounding leaves little elsewhere
(at side 256, 1 to 36% of the entries are non-zero).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from attacks.recipes.drawn import Drawn
from attacks.spec import Method, Paper
from attacks.task import Task, chunks

if TYPE_CHECKING:
    from torch import Tensor

SIDE = 32
CUT, CUT_OF_LARGE = 4, 2  # released for sides 32 and 96, and for 224
LARGE = 97
LARGEST_NORM = 50.0
TRIALS = 3
FEW_CLASSES, RESPONSE, RESPONSE_OF_MANY = 10, 10.0, 3.0
BATCH = 1024  # channels tried at once; decides the order of the random draws
MOST_BATCHES = 5000  # a set of filters for grey images takes hundreds


def autoregressive(task: Task) -> "Tensor":
    """Return one signal per image, drawn with the filters of its class.

    Raises:
        RuntimeError: if the search does not find enough filters, or signals of this size overflow.
    """
    import torch

    filters = find_filters(task)
    channels, *size = task.images.shape[1:]
    noise = task.runtime.empty(task.images.shape, torch.int16)
    for part in chunks(task.images):
        own = filters[:, :, task.labels[part]]
        drawn = signals(task, own.flatten(2), (size[0], size[1])).unflatten(2, (-1, channels))
        norm = drawn.square().sum((0, 1, 3)).sqrt_()
        if not norm.isfinite().all():
            raise RuntimeError(f"autoregressive signals of {size[0]}x{size[1]} pixels overflow")
        noise[part] = drawn.permute(2, 3, 0, 1).mul(255 / norm.view(-1, 1, 1, 1)).round_().to(torch.int16)
    return noise


def find_filters(task: Task) -> "Tensor":
    """Search greedily for the filters of each class, (3, 3, classes, C).

    Raises:
        RuntimeError: if `MOST_BATCHES` do not contain enough of them.
    """
    from torch.nn import functional

    required = RESPONSE if task.classes <= FEW_CLASSES else RESPONSE_OF_MANY
    found = task.images.new_empty(0, task.images.shape[1], 3, 3, dtype=task.runtime.dtype)
    for _ in range(MOST_BATCHES):
        for filters, signal in candidates(task):
            if len(found) and functional.conv2d(signal, found).relu_().sum((1, 2)).min() < required:
                continue
            found = functional.pad(found, (0, 0, 0, 0, 0, 0, 0, 1))
            found[-1] = filters
            found[-1, :, 2, 2] = -1
            if len(found) == task.classes:
                found[:, :, 2, 2] = 0
                return found.permute(2, 3, 0, 1)
    raise RuntimeError(f"only {len(found)} of {task.classes} autoregressive filters found in {MOST_BATCHES} batches")


def candidates(task: Task) -> "Iterator[tuple[Tensor, Tensor]]":
    """Draw filters (C, 3, 3) that do not diverge, each with one of its signals (C, side, side), of norm 1."""
    import torch

    channels = task.images.shape[1]
    largest = LARGEST_NORM * (channels / 3) ** 0.5
    shape = (3, 3, BATCH)
    filters = torch.randn(shape, generator=task.generator, dtype=task.runtime.dtype, device=task.runtime.device)
    filters[2, 2] = 0
    filters /= filters.sum((0, 1))
    squares = filters.new_empty(0, BATCH)
    for _ in range(TRIALS):
        drawn = signals(task, filters, (SIDE, SIDE))
        squares = torch.cat([squares, drawn.square().sum((0, 1)).unsqueeze(0)])
        stable = squares[-1] <= largest**2  # false for NaN
        filters, drawn, squares = filters[:, :, stable], drawn[:, :, stable], squares[:, stable]
    whole = len(squares[0]) // channels * channels
    together = squares[:, :whole].unflatten(1, (-1, channels)).sum(2)
    drawn = drawn[:, :, :whole].unflatten(2, (-1, channels)).permute(2, 3, 0, 1) / together[-1].sqrt().view(-1, 1, 1, 1)
    filters = filters[:, :, :whole].unflatten(2, (-1, channels)).permute(2, 3, 0, 1)
    kept = (together <= largest**2).all(0)
    return zip(filters[kept], drawn[kept], strict=True)


def signals(task: Task, filters: "Tensor", size: tuple[int, int]) -> "Tensor":
    """Draw one signal per filter (3, 3, n), as (H, W, n).

    A pixel depends only on earlier diagonals, so each diagonal is filled in at once.
    """
    import torch

    cut = CUT_OF_LARGE if min(size) >= LARGE else CUT
    height, width = size[0] + cut, size[1] + cut
    shape, device = (height, width, filters.shape[2]), task.runtime.device
    signal = torch.randn(shape, generator=task.generator, dtype=task.runtime.dtype, device=device)
    for diagonal in range(4, height + width - 1):
        row = torch.arange(max(2, diagonal - width + 1), min(height, diagonal - 1), device=device)
        column = diagonal - row
        value = torch.zeros_like(signal[row, column])
        for above, left in ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (2, 0), (2, 1)):
            value.addcmul_(filters[above, left], signal[row - 2 + above, column - 2 + left])
        signal[row, column] = value
    return signal[cut:, cut:]


AR_SANDOVAL22 = Method(
    name="ar-sandoval22",
    title="autoregressive patterns: each pixel computed from its neighbours, one filter per class",
    paper=Paper(
        key="sandovalsegura2022autoregressive",
        title="Autoregressive Perturbations for Data Poisoning",
        authors=(
            "Pedro Sandoval-Segura",
            "Vasu Singla",
            "Jonas Geiping",
            "Micah Goldblum",
            "Tom Goldstein",
            "David W. Jacobs",
        ),
        year=2022,
        venue="NeurIPS 2022",
        identifier="arXiv:2206.03693",
        code="psandovalsegura/autoregressive-poisoning",
    ),
    bound="L2 1 before rounding",
    bounded=False,
    source="Sandoval-Segura et al., NeurIPS 2022",
    recipe=Drawn(draw=autoregressive),
)
