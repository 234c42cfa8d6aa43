"""DUNE (dual-branch unlearnable ensemble) without its LPIPS term, which needs a pretrained network.

Wang et al., "Dual-branch Robust Unlearnable Examples", ICML 2026, as in the released code: two perturbations towards
t = (y + 3) mod K on M checkpoints f_m of one training on clean images (details as in `sep-chen23`).

1. Spatial: one delta per image within `rho_u`, as in SEP.
2. Colour: one shift c per class, added to all pixels; a particle swarm minimises, on the first images of the class,

       mean over images of [ mean over m of CE(f_m(clip(x + c)), t)
                             + max(0, 20 - PSNR(clip(x + c), x)) + max(0, 0.8 - SSIM(clip(x + c), x)) ]

   from positions uniform within 0.1, velocities within 0.01; v <- 0.5 v + 0.3 (own best - p) + 0.3 (best - p),
   p <- p + v. Only the two penalties limit c.

A protected image is clip(clip(x + delta) + c). DUNE itself also adds max(0, LPIPS - 0.03) to 2; the name of this
variant marks the difference.

Hyperparameters are in the protocol's `dune` table; the defaults are those of the released code for CIFAR-10: M 5, 30
steps of 0.5/255, 10 particles, 10 rounds, the first fifth of each class (1,000 images). The paper has 20 steps, mostly
targets of y + 1, and networks of different architectures. If y + 3 is the label itself, the next class is the target.
Scaled down, there are proportionally fewer and larger sign steps and the swarm sees fewer images, so that `lite-v1`
takes about as long as for SEM's noise; `smoke-v1` has three checkpoints, five particles and four rounds.

Corrected: the swarm's best position is kept; the released code keeps a view of the particle that found it, which
continues to move. Noise is rounded to the 1/255 grid, whereas the released code truncates the image to it. ImageNet is
treated as in `sep-chen23`; there, the stem is torchvision's 7x7.
"""

from typing import TYPE_CHECKING, ClassVar

from attacks.core.numbers import Colour, EnsembleNumbers
from attacks.core.settings import Positive, SignSteps
from attacks.recipes.self_ensemble import SelfEnsemble, shifted
from attacks.spec import Method, Paper

if TYPE_CHECKING:
    from torch import Tensor


class Dune(EnsembleNumbers):
    """Hyperparameters of DUNE."""

    table: ClassVar[str] = "dune"

    checkpoints: Positive = 5
    descent: SignSteps = SignSteps(steps=30, step=0.0625)
    colour: Colour = Colour()


def three_on(labels: "Tensor", classes: int) -> "Tensor":
    """Return the class three places after each label, cyclically."""
    return shifted(labels, classes, 3)


DUNE_WANG26_WITHOUT_LPIPS = Method(
    name="dune-wang26-without-lpips",
    title="self-ensemble noise and one colour shift per class, kept inconspicuous by PSNR and SSIM alone",
    paper=Paper(
        key="wang2026dual",
        title="Dual-branch Robust Unlearnable Examples",
        authors=(
            "Xianlong Wang",
            "Hangtao Zhang",
            "Wenbo Pan",
            "Ziqi Zhou",
            "Changsong Jiang",
            "Li Zeng",
            "Xiaohua Jia",
        ),
        year=2026,
        venue="ICML 2026",
        identifier="arXiv:2605.01718",
        code="wxldragon/DUNE",
    ),
    bound="L-inf rho_u, plus one colour shift per class",
    bounded=False,
    surrogate=True,
    source="Wang et al., ICML 2026, released code without LPIPS",
    recipe=SelfEnsemble(table=Dune, target=three_on),
)
