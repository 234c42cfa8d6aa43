"""REM (robust error-minimising noise).

Fu et al., "Robust Unlearnable Examples: Protecting Data Against Adversarial Learning", ICLR 2022: the noise minimises,
over random views, the loss that an adversary within `rho_a` maximises. Hyperparameters are the protocol's, from the
released scripts (K 10 steps of 1.6, J 5 views, inner PGD of 10 steps of `rho_a`/5). As in the released code, which
differentiates through the clamp to valid images, a pixel that the noise pushes out of [0, 1] gets zero gradient.
Corrected: the final pass covers all images, whereas the released one skips the last incomplete batch.
"""

from typing import TYPE_CHECKING

from attacks.core.settings import NoiseSettings
from attacks.engine.pgd import ascend
from attacks.recipes.surrogate_loop import Disturb, SurrogateLoop
from attacks.spec import Method, Paper

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from attacks.engine.frozen import FrozenNetwork


def attacked(
    network: "FrozenNetwork", views: "Tensor", labels: "Tensor", settings: NoiseSettings, generator: "torch.Generator"
) -> "Tensor":
    """Attack each view by PGD within `rho_a`, from a random start."""
    return ascend(network, views, labels, radius=settings.rho_a, steps=settings.ascent, generator=generator)


FU22 = Paper(
    key="fu2022robust",
    title="Robust Unlearnable Examples: Protecting Data Against Adversarial Learning",
    authors=("Shaopeng Fu", "Fengxiang He", "Yang Liu", "Li Shen", "Dacheng Tao"),
    year=2022,
    venue="ICLR 2022",
    identifier="arXiv:2203.14533",
    code="fshp971/robust-unlearnable-examples",
)

REM_FU22 = Method(
    name="rem-fu22",
    aliases=("rem",),
    title="robust error-minimising noise: views attacked by PGD",
    paper=FU22,
    bound="L-inf rho_u",
    surrogate=True,
    source="Fu et al., ICLR 2022",
    recipe=SurrogateLoop(
        views=True,
        disturb=Disturb(apply=attacked, passes=lambda settings: settings.ascent.steps if settings.rho_a else 0),
        robust_update=True,
    ),
    version=2,  # 1 passed gradients through clipped pixels
)
