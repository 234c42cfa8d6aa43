"""Orthogonal projection: what a linear classifier sees in the protected images is taken out of them.

Sandoval-Segura et al., "What Can We Learn from Unlearnable Datasets?", NeurIPS 2023: logistic regression without bias
on the raw protected pixels, whose class weights span a subspace; each training image is projected on the orthogonal
complement of it. Test images stay as they are. The regression is that of the released code on 50,000 images: 980 steps
of SGD on batches of 1,024 in order (there 20 epochs), rate 0.1, a tenth of it after one half and again after three
quarters.

Different from the released code: sets of other sizes take as many steps, so that small ones are fitted too; the weights
start at zero, so that nothing is drawn; and the images are rounded and clipped to 8 bits again, as all protected images
are. The code's further augmentations (rotation, shear, colour, CutMix) are not part of it.
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
    """Take out of the training images what the classifier sees in them; no image goes through a network."""
    return Prepared(images=project(given.images, given.labels, given.runtime))


def project(images: "Tensor", labels: "Tensor", runtime: "Runtime") -> "Tensor":
    """Project uint8 images (N, C, H, W) off the weights of a linear classifier of theirs."""
    import torch

    weights = fit(images, labels)
    # From zero the weights keep a zero sum over classes, so that their differences span all of their subspace.
    basis = torch.linalg.qr(weights[:, 1:] - weights[:, :1]).Q

    def change(part: slice) -> "Tensor":
        pixels = images[part].flatten(1).float()
        projected: Tensor = (pixels - (pixels @ basis) @ basis.T).round_().clamp_(0, 255)
        return projected.to(torch.uint8).view_as(images[part])

    return by_parts(change, images, runtime, BATCH)


def fit(images: "Tensor", labels: "Tensor") -> "Tensor":
    """Return the class weights (pixels, classes) of a logistic regression on uint8 images (N, C, H, W)."""
    import torch
    from torch.nn import functional

    wanted = functional.one_hot(labels).float()
    weights = torch.zeros(images[0].numel(), wanted.shape[1], device=images.device)
    starts = range(0, len(images), BATCH)
    for step in range(STEPS):
        batch = slice(starts[step % len(starts)], starts[step % len(starts)] + BATCH)
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
)
