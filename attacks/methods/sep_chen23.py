"""SEP (self-ensemble protection): checkpoints of one training serve as an ensemble.

Chen et al., "Self-Ensemble Protection: Training Checkpoints Are Good Data Protectors", ICLR 2023, the plain form
(`ens.py` of the released code; not SEP-FA or SEP-FA-VR): a network learns random views of the clean images; M
evenly spaced checkpoints f_m are kept, the last at the end. From zero, each image's delta then descends

    mean over m of CE(f_m(x + delta), (y + K/2) mod K)

by sign steps, each projected onto `rho_u` and onto valid images, without random views. K is the number of classes; the
released code has shifts of 5 for 10 classes and 50 for 100.

Hyperparameters are in the protocol's `sep` table; the defaults are those of the released code for CIFAR-10: 120 epochs
of 390 steps, M 30, 30 steps of 1/255. The paper's own radius is 2; here it is `rho_u`, as for all methods, and the step
stays 1/255, an eighth of 8. Scaled down, there are fewer checkpoints and fewer but larger steps, so that `lite-v1`
takes about as many image-passes as for SEM's noise.

Corrected: checkpoints are evenly spaced, whereas the released code keeps an epoch only if test accuracy rose and then
chooses evenly among those. Differences: the first epoch has no learning-rate warm-up, and the incomplete last batch of
every epoch is dropped; inputs are normalised as the protocol says; noise is rounded to the 1/255 grid, whereas there
the noisy image is truncated to it. On ImageNet, the numbers are those for CIFAR-10, the stem is small and images are
squashed to 256 pixels; there, 120 epochs of torchvision's ResNet-18 with weight decay 1e-4.
"""

from typing import TYPE_CHECKING, ClassVar

from attacks.core.numbers import EnsembleNumbers
from attacks.core.settings import Positive, SignSteps
from attacks.recipes.self_ensemble import SelfEnsemble, shifted
from attacks.spec import Method, Paper

if TYPE_CHECKING:
    from torch import Tensor


class Sep(EnsembleNumbers):
    """Hyperparameters of SEP."""

    table: ClassVar[str] = "sep"

    checkpoints: Positive = 30
    descent: SignSteps = SignSteps(steps=30, step=0.125)


def opposite(labels: "Tensor", classes: int) -> "Tensor":
    """Return the class half the number of classes after each label, cyclically."""
    return shifted(labels, classes, classes // 2)


SEP_CHEN23 = Method(
    name="sep-chen23",
    aliases=("sep",),
    title="self-ensemble noise: images pushed towards another class on checkpoints of one training",
    paper=Paper(
        key="chen2023self",
        title="Self-Ensemble Protection: Training Checkpoints Are Good Data Protectors",
        authors=(
            "Sizhe Chen",
            "Geng Yuan",
            "Xinwen Cheng",
            "Yifan Gong",
            "Minghai Qin",
            "Yanzhi Wang",
            "Xiaolin Huang",
        ),
        year=2023,
        venue="ICLR 2023",
        identifier="arXiv:2211.12005",
        code="Sizhe-Chen/SEP",
    ),
    bound="L-inf rho_u",
    surrogate=True,
    source="Chen et al., ICLR 2023, released code",
    recipe=SelfEnsemble(table=Sep, target=opposite),
)
