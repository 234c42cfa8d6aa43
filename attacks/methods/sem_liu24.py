"""SEM (stable error-minimising noise).

Liu et al., "Stable Unlearnable Example: Enhancing the Robustness of Unlearnable Examples via Stable Error-Minimizing
Noise", AAAI 2024: REM with the inner attack replaced by one uniform draw within `rho_a`, clipped to valid images; the
surrogate is still trained on attacked views. `Shake` also supports the Gaussian draw offered by the first readme of the
released code. As in the released code, which differentiates through the clamp to valid images, a pixel that the noise
pushes out of [0, 1] gets zero gradient. Corrected: the final pass covers all images, whereas the released one skips the
last incomplete batch; the released ImageNet script, which calls the REM generator, is not followed.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from attacks.core.settings import NoiseSettings
from attacks.recipes.surrogate_loop import Disturb, SurrogateLoop
from attacks.spec import Method, Paper

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from attacks.engine.frozen import FrozenNetwork


@dataclass(frozen=True, kw_only=True)
class Shake:
    """One random draw that is added to each view.

    Attributes:
        distribution: `uniform` within `rho_a`, or `gaussian` with that standard deviation.
    """

    distribution: Literal["uniform", "gaussian"] = "uniform"

    def __call__(
        self,
        network: "FrozenNetwork",  # noqa: ARG002
        views: "Tensor",
        labels: "Tensor",  # noqa: ARG002
        settings: NoiseSettings,
        generator: "torch.Generator",
    ) -> "Tensor":
        """Return the views (n, C, H, W) plus the draw, clipped to [0, 1]."""
        size, draw = settings.rho_a / 255, views.new_empty(views.shape)
        if self.distribution == "uniform":
            draw.uniform_(-size, size, generator=generator)
        else:
            draw.normal_(0, size, generator=generator)
        return draw.add_(views).clamp_(0, 1)


SEM_LIU24 = Method(
    name="sem-liu24",
    aliases=("sem",),
    title="stable error-minimising noise: views perturbed by uniform noise",
    paper=Paper(
        key="liu2024stable",
        title="Stable Unlearnable Example: Enhancing the Robustness of Unlearnable Examples "
        "via Stable Error-Minimizing Noise",
        authors=("Yixin Liu", "Kaidi Xu", "Xun Chen", "Lichao Sun"),
        year=2024,
        venue="AAAI 2024",
        identifier="arXiv:2311.13091",
        code="liuyixin-louis/Stable-Unlearnable-Example",
    ),
    bound="L-inf rho_u",
    surrogate=True,
    source="Liu et al., AAAI 2024",
    recipe=SurrogateLoop(views=True, disturb=Disturb(apply=Shake()), robust_update=True),
    version=2,  # 1 passed gradients through clipped pixels
)
