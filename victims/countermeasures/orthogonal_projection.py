"""Orthogonal projection: what a linear classifier sees in the protected images is removed from them.

Sandoval-Segura et al., "What Can We Learn from Unlearnable Datasets?", NeurIPS 2023: a logistic regression without bias
is fitted to the raw protected pixels; its class weights span a subspace, and each training image is projected onto the
orthogonal complement of that subspace. Test images are unchanged. The regression is that of the released code on 50,000
images: 980 steps of SGD on batches of 1,024 (there 20 epochs), the same in each epoch, with a learning rate of 0.1,
divided by 10 after half of the steps and again after three quarters.

Differences from the released code: the batches follow an order drawn once, since a folder's images are sorted by class
and CIFAR-10's, which the code takes as they come, are not; the number of steps is the same for datasets of any size, so
that small ones are fitted too; the weights start at zero; and the images are rounded and clipped to 8 bits again, as
all protected images are. The code's additional augmentations (rotation, shear, colour, CutMix) are left out.
"""

from typing import TYPE_CHECKING

from attacks.spec import Paper
from victims.countermeasures.spec import Countermeasure, Preparation, Prepared, by_parts

if TYPE_CHECKING:
    from torch import Tensor

    from attacks.core.runtime import Runtime

BATCH = 1024
STEPS = 980
RATE = 0.1
MILESTONES = (STEPS // 2, STEPS * 3 // 4)


def prepare(given: Preparation) -> Prepared:
    """Remove what the classifier sees in the training images; no image goes through a network."""
    import torch

    images = given.images
    order = torch.randperm(len(images), generator=given.generator, device=images.device)
    return Prepared(images=project(images, fit(images, given.labels, order), given.runtime))


def project(images: "Tensor", weights: "Tensor", runtime: "Runtime") -> "Tensor":
    """Project uint8 images (N, C, H, W) orthogonally to the weights (pixels, classes) of a linear classifier."""
    import torch

    # Started at zero, the weights keep a zero sum over classes, so that their differences span their whole subspace.
    basis = torch.linalg.qr(weights[:, 1:] - weights[:, :1]).Q

    def change(part: slice) -> "Tensor":
        pixels = images[part].flatten(1).float()
        projected: Tensor = (pixels - (pixels @ basis) @ basis.T).round_().clamp_(0, 255)
        return projected.to(torch.uint8).view_as(images[part])

    return by_parts(change, images, runtime, BATCH)


def fit(images: "Tensor", labels: "Tensor", order: "Tensor") -> "Tensor":
    """Return the class weights (pixels, classes) of a logistic regression on uint8 images (N, C, H, W).

    Each epoch takes the images, and their labels, in `order`.
    """
    import torch
    from torch.nn import functional

    wanted = functional.one_hot(labels).float()
    weights = torch.zeros(images[0].numel(), wanted.shape[1], device=images.device)
    starts = range(0, len(images), BATCH)
    for step in range(STEPS):
        start = starts[step % len(starts)]
        batch = order[start : start + BATCH]
        pixels = images[batch].flatten(1).float().div_(255)
        error = (pixels @ weights).softmax(1) - wanted[batch]
        rate = RATE * 0.1 ** sum(milestone <= step for milestone in MILESTONES)
        weights -= rate / len(pixels) * (pixels.T @ error)
    return weights


SANDOVAL23 = Paper(
    key="sandovalsegura2023what",
    title="What Can We Learn from Unlearnable Datasets?",
    authors=("Pedro Sandoval-Segura", "Vasu Singla", "Jonas Geiping", "Micah Goldblum", "Tom Goldstein"),
    year=2023,
    venue="NeurIPS 2023",
    identifier="arXiv:2305.19254",
    code="psandovalsegura/learn-from-unlearnable",
)

ORTHOGONAL_PROJECTION = Countermeasure(
    name="orthogonal-projection",
    title="images projected orthogonally to the weights of a linear classifier",
    paper=SANDOVAL23,
    source="Sandoval-Segura et al., NeurIPS 2023",
    prepare=prepare,
    version=2,  # 1 fitted the classifier to batches of one class where the images are sorted by class
)
