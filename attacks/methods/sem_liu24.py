"""SEM (stable error-minimising noise).

Liu et al., "Stable Unlearnable Example: Enhancing the Robustness of Unlearnable Examples via Stable Error-Minimizing
Noise", AAAI 2024: REM with the inner attack replaced by one uniform draw in `rho_a`, clipped to valid images; the
surrogate is still trained on attacked views. Corrected: the final pass covers all images, where the released one skips
the last incomplete batch; the released ImageNet script, which calls the REM generator, is not followed.
"""

from typing import TYPE_CHECKING

from attacks.settings import NoiseSettings
from attacks.spec import Disturb, Method, SurrogateLoop

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from attacks.frozen import FrozenNetwork


def shaken(
    network: "FrozenNetwork",  # noqa: ARG001
    views: "Tensor",
    labels: "Tensor",  # noqa: ARG001
    settings: NoiseSettings,
    generator: "torch.Generator",
) -> "Tensor":
    """Add one uniform draw in `rho_a` to each view."""
    bound = settings.rho_a / 255
    draw = views.new_empty(views.shape).uniform_(-bound, bound, generator=generator)
    return draw.add_(views).clamp_(0, 1)


SEM_LIU24 = Method(
    name="sem-liu24",
    aliases=("sem",),
    title="stable error-minimising noise: views shaken by uniform noise",
    year=2024,
    bound="L-inf rho_u",
    source="Liu et al., AAAI 2024",
    recipe=SurrogateLoop(views=True, disturb=Disturb(apply=shaken), robust_update=True),
)
