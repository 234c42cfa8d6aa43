"""EntF-push (entangled features): each image is pushed away from the mean features of its own class.

Wen et al., "Is Adversarial Training Really a Silver Bullet for Mitigating Data Poisoning?", ICLR 2023: noise against
adversarial training at the radius of the noise itself. A network is trained adversarially on clean images, within
`rho_a` (PGD from a random start); c_k is the mean over class k of its F features f, the input of its last layer, in
eval mode and without random views. Each image's delta is drawn from a normal distribution with standard deviation
`rho_u`, clipped to `rho_u`, and then ascends

    |f(T(x + delta)) - c_y|^2 / F

by sign steps, each projected onto `rho_u` and onto valid images. T, drawn anew in each step, flips and shifts by up to
an eighth of a side, with subpixel shifts (bilinear, zero outside). As released, the sum that the first step sees may
lie outside [0, 1].

Hyperparameters are in the protocol's `entf` table; the defaults are those of the released code for CIFAR-10: 100 epochs
of 390 steps, an attack of 10 steps of `rho_a`/2 (there with a fixed radius of 4, which is `rho_a` here), 300 steps of
0.4/255. Scaled down, `lite-v1` has a fifth of the sign steps, each five times as large, and just enough training that
the noise takes about as many image-passes as SEM's; `smoke-v1` has 120 steps of training and 20 sign steps of 3/255,
which cover half of that way.

Corrected: any number of classes and features is allowed, whereas the released code assumes 10 and 512. There, the 300
steps are 300 passes over the set, which is equivalent, since no image depends on another. Here, the incomplete last
batch of an epoch is dropped, and ties are rounded to even, not up.
"""

from typing import TYPE_CHECKING

from attacks.recipes.entangled_features import EntangledFeatures
from attacks.spec import Method, Paper

if TYPE_CHECKING:
    from torch import Tensor


def away(features: "Tensor", labels: "Tensor", centroids: "Tensor") -> "Tensor":
    """Return minus the mean squared distance to the own class's centroid, summed over images, to minimise."""
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
    title="entangled features: pushed away from its own class's centroid in a robust network",
    paper=WEN23,
    bound="L-inf rho_u",
    surrogate=True,
    source="Wen et al., ICLR 2023",
    recipe=EntangledFeatures(aim=away),
)
