"""LSP (linearly separable perturbations, also called synthetic perturbations).

Yu et al., "Availability Attacks Create Shortcuts", KDD 2022, and its released code: each image gets one point of a
linearly separable Gaussian mixture whose clusters are the classes; every feature is enlarged to a square patch, one
feature per patch and channel. From the released code: the mixture is scikit-learn's `make_classification` with one
cluster per class, class separation 10 and no label noise; the L2 norm is 6/255 * sqrt(C H W); patches are 8 pixels wide
at side 32. At side 224 they are 32 wide (paper); the largest power of two within a quarter of the side gives both.

Differences from the released code: each class gets exactly as many points as it has images, whereas there all classes
get equally many and the first ones are used; patches that do not divide the side are stretched, not cut off; the noise
is rounded to the 1/255 grid, whereas there the sum is truncated to it.
"""

from typing import TYPE_CHECKING

from attacks.recipes.drawn import Drawn
from attacks.spec import Method, Paper
from attacks.task import Task, chunks

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import Tensor

SEPARATION = 10.0
SIZE = 6  # root mean square of the noise, in 1/255
PATCHES = 4  # per side, at least
SEEDS = 2**32  # number of seeds that scikit-learn accepts


def patches(task: Task) -> "Tensor":
    """Return the points of the mixture, enlarged to patches.

    For square images an entry is at most 48 * sqrt(C), reached if one patch holds all of the noise, so it fits int8.
    """
    import torch
    from torch.nn import functional

    channels, height, width = task.images.shape[1:]
    patch = patch_side(task.augment.size or min(height, width))
    grid = (channels, height // patch, width // patch)
    seed = int(torch.randint(SEEDS, (), generator=task.generator, device=task.runtime.device))
    points = torch.from_numpy(mixture(task.labels.cpu().numpy(), task.classes, grid[0] * grid[1] * grid[2], seed))
    noise = task.runtime.empty(task.images.shape, torch.int8)
    for part in chunks(task.images):
        coarse = points[part].to(task.runtime.device, task.runtime.dtype).unflatten(1, grid)
        drawn = functional.interpolate(coarse, size=(height, width), mode="nearest")
        norm = drawn.square().mean((1, 2, 3), keepdim=True).sqrt_()
        noise[part] = drawn.mul_(SIZE).div_(norm).round_().to(torch.int8)
    return noise


def patch_side(side: int) -> int:
    """Return the width of a patch: the largest power of two that fits `PATCHES` times into the side networks see."""
    return 1 << max(1, side // PATCHES).bit_length() - 1


def mixture(labels: "npt.NDArray[np.int64]", classes: int, features: int, seed: int) -> "npt.NDArray[np.float64]":
    """Draw one point (features,) per label from its class's cluster.

    Raises:
        ValueError: if there are more classes than corners of the hypercube on which the clusters lie.
    """
    import numpy as np
    from sklearn.datasets import make_classification

    counts = np.bincount(labels, minlength=classes)
    drawn, clusters = make_classification(
        n_samples=len(labels),
        n_features=features,
        n_informative=features,
        n_redundant=0,
        n_classes=classes,
        n_clusters_per_class=1,
        weights=((counts + 0.5) / len(labels)).tolist(),  # scikit-learn rounds down to exactly the counts
        flip_y=0.0,
        class_sep=SEPARATION,
        random_state=seed,
    )
    points = np.empty((len(labels), features))
    points[labels.argsort(kind="stable")] = drawn[clusters.argsort(kind="stable")]
    return points


LSP_YU22 = Method(
    name="lsp-yu22",
    title="linearly separable patches: samples of a Gaussian mixture, upsampled",
    paper=Paper(
        key="yu2022availability",
        title="Availability Attacks Create Shortcuts",
        authors=("Da Yu", "Huishuai Zhang", "Wei Chen", "Jian Yin", "Tie-Yan Liu"),
        year=2022,
        venue="KDD 2022",
        identifier="doi:10.1145/3534678.3539241",
        code="dayu11/Availability-Attacks-Create-Shortcuts",
    ),
    bound="L2 6/255 * sqrt(C H W)",
    bounded=False,
    source="Yu et al., KDD 2022",
    recipe=Drawn(draw=patches, reads=("augment",)),
)
