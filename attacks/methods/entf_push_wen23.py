"""EntF-push (entangled features): each image is pushed away from the mean features of its own class.

Wen et al., "Is Adversarial Training Really a Silver Bullet for Mitigating Data Poisoning?", ICLR 2023: noise against
adversarial training at its own radius. A network is trained adversarially on clean images, inside `rho_a` (PGD from a
random start); c_k is the mean over class k of its F features f, the input of its last layer, in eval mode and without
views. From a normal draw with standard deviation `rho_u`, clipped to `rho_u`, each image then ascends

    |f(T(x + delta)) - c_y|^2 / F

by sign steps, each projected on `rho_u` and on valid images. T flips and shifts by up to an eighth of a side, by
fractions of a pixel (bilinear, zero outside), drawn anew in each step. As released, the sum that the first step sees
may lie outside [0, 1].

Numbers are the protocol's `entf`; its defaults are the released code's for CIFAR-10: 100 epochs of 390 steps, an attack
of 10 steps of `rho_a`/2 (there with a fixed radius of 4, which is `rho_a` here), 300 steps of 0.4/255. Scaled down, the
sign steps are fewer and larger in proportion, and the training is just long enough that `lite-v1` takes about as many
image-passes as SEM's noise there; `smoke-v1` has 120 steps of training and 20 of noise.

Corrected: any number of classes and features, whereas the released code has 10 and 512. There, the 300 steps are as
many rounds over the set, which is the same, since no image depends on another. An epoch leaves out its incomplete last
batch here. Ties are rounded to even, not up.
"""

from typing import TYPE_CHECKING

from attacks.recipes.entangled_features import EntangledFeatures
from attacks.spec import Method, Paper

if TYPE_CHECKING:
    from torch import Tensor


def away(features: "Tensor", labels: "Tensor", centroids: "Tensor") -> "Tensor":
    """Return how near features are to the centroids of their own classes, to be minimised."""
    return -(features - centroids[labels]).square().mean(1).sum()


WEN23 = Paper(
    key="wen2023is",
    title="Is Adversarial Training Really a Silver Bullet for Mitigating Data Poisoning?",
    authors=("Rui Wen", "Zhengyu Zhao", "Zhuoran Liu", "Michael Backes", "Tianhao Wang", "Yang Zhang"),
    year=2023,
    venue="ICLR 2023",
    identifier="openreview:zKvm1ETDOq",
    code="WenRuiUSTC/EntF",
)

ENTF_PUSH_WEN23 = Method(
    name="entf-push-wen23",
    title="entangled features: pushed away from the own class's centroid in a robust network",
    paper=WEN23,
    bound="L-inf rho_u",
    surrogate=True,
    source="Wen et al., ICLR 2023",
    recipe=EntangledFeatures(aim=away),
)
