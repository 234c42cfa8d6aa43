"""ASR: error-minimising noise on a robust surrogate that is kept from learning the clean images.

Fang et al., "Re-thinking Data Availability Attacks Against Deep Neural Networks", CVPR 2024, and its released code: the
surrogate loop of REM (Fu et al., ICLR 2022) with neither an attack nor random perturbation in the noise step, so that
the noise lowers the surrogate's cross-entropy on J unperturbed views of the noisy image. Instead, each update of the
surrogate f, which is on attacked views of the noisy images as in REM, also lowers

    weight * mean over the batch of |softmax f(T(x)) - 1/K|_2 ^ power

on one fresh view T(x) of each clean image, in a separate forward pass in train mode; K is the number of classes.

The loop has the hyperparameters of REM and SEM, scaled in the same way; `weight` is always 1. As released, `power` is 1
for CIFAR-10 and 2 for CIFAR-100 and ImageNet. Corrected: the final pass covers all images, whereas the released one
skips the last incomplete batch.
"""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from attacks.core.settings import OwnTable
from attacks.recipes.surrogate_loop import CleanLoss, SurrogateLoop
from attacks.spec import Method, Paper

if TYPE_CHECKING:
    from torch import Tensor


class Uniformity(OwnTable):
    """Hyperparameters of ASR.

    Attributes:
        weight: weight of the loss on clean images.
        power: exponent of the distance from the uniform prediction.
    """

    table: ClassVar[str] = "asr"

    weight: Annotated[float, Field(gt=0)] = 1.0
    power: Literal[1, 2] = 1


def certainty(logits: "Tensor", numbers: Uniformity) -> "Tensor":
    """Return the weighted mean of the predictions' distance from uniform, raised to `power`; logits are (n, K)."""
    import torch

    distance: Tensor = torch.linalg.vector_norm(logits.softmax(1) - 1 / logits.shape[1], dim=1)
    return numbers.weight * distance.pow(numbers.power).mean()


ASR_FANG24 = Method(
    name="asr-fang24",
    aliases=("asr",),
    title="error-minimising noise on a robust surrogate that is pushed to uniform predictions on clean images",
    paper=Paper(
        key="fang2024rethinking",
        title="Re-thinking Data Availability Attacks Against Deep Neural Networks",
        authors=("Bin Fang", "Bo Li", "Shuang Wu", "Ran Yi", "Shouhong Ding", "Lizhuang Ma"),
        year=2024,
        venue="CVPR 2024",
        identifier="arXiv:2305.10691",
        code="EuterpeK/Rethinking-Data-Availability-Attacks",
    ),
    bound="L-inf rho_u",
    surrogate=True,
    source="Fang et al., CVPR 2024, released code",
    recipe=SurrogateLoop(views=True, robust_update=True, clean_loss=CleanLoss(table=Uniformity, of=certainty)),
)
