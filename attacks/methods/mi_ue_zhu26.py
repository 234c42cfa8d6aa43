"""MI-UE (mutual-information unlearnable examples) as described in the paper.

Zhu et al., "Why Do Unlearnable Examples Work: A Novel Perspective of Mutual Information", ICLR 2026: noise that lowers
the covariance of the features within a class, and thus the mutual information between clean and protected features. In
each of `rounds` rounds a surrogate learns the noisy images for an epoch (cross-entropy, no random views, no attack,
cosine learning rate); then, with the surrogate in eval mode, each batch of noise takes sign steps down

    mean over i of  -log(sum of exp(cos(f_i, f_j) / t) over j of i's class / the same sum over the other classes)
                    + zeta log(1 + sum of |f_i - f_j| / d over j of i's class),

where f are the d pooled features of the batch's noisy images and t is the temperature; j = i is included. Noise starts
at zero and is kept from round to round, within `rho_u` and valid images.

Hyperparameters are in the protocol's `mi-ue` table; where the paper agrees, the defaults are those of the released
script for CIFAR-10: 100 rounds, batch size 512 for the noise, 10 steps of 0.2/255, SGD with weight decay 1e-4, t 0.1. A
class needs several images in a batch of noise. `zeta` is 0.1, as in the paper. `mi-ue-zhu26-code` follows the released
code instead. Scaled down, K is halved and its step doubled, as for EM and SEM; the number of rounds in `lite-v1` is
chosen to take as many image-passes as SEM's noise (120 per image); `smoke-v1` has 6 rounds.

Differences from both: noise is rounded to the 1/255 grid, whereas the released code truncates the noisy image to it;
inputs are normalised as the protocol says, whereas the released code uses ImageNet's mean and standard deviation;
initial weights are as in `aue-wang24`. On ImageNet, whole images are squashed to 256 pixels; there, the central 224 are
used.
"""

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from attacks.core.settings import SignSteps
from attacks.recipes.epoch_rounds import EpochNumbers, EpochRounds
from attacks.spec import Method, Paper

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

TINY = 1e-8  # added for each pair, as released, so that no sum is zero


class MutualInformation(EpochNumbers):
    """Hyperparameters of MI-UE.

    Attributes:
        temperature: divides the cosines.
        last_step: what the sign step of the released code grows towards, as a fraction of `rho_u`.
    """

    table: ClassVar[str] = "mi-ue"

    temperature: Annotated[float, Field(gt=0)] = 0.1
    last_step: Annotated[float, Field(gt=0, le=1)] = 0.05


def attraction(*, zeta: float, own_class_repels: bool) -> "Callable[[MutualInformation], Callable[..., Tensor]]":
    """Return a function from MI-UE's hyperparameters to the loss that draws the features of a class together.

    Args:
        zeta: weight of the Euclidean distance term.
        own_class_repels: whether the denominator sums over all pairs, not only over those of other classes.
    """

    def loss_of(numbers: MutualInformation) -> "Callable[[Tensor, Tensor], Tensor]":
        def loss(features: "Tensor", labels: "Tensor") -> "Tensor":
            import torch
            from torch.nn import functional

            own = labels[:, None] == labels
            unit = functional.normalize(features, eps=TINY)
            itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)  # whose cosine is constant
            near = ((unit @ unit.T).masked_fill(itself, 1) / numbers.temperature).exp() + TINY
            against = near if own_class_repels else near.masked_fill(own, 0)
            ratio = (near.masked_fill(~own, 0).sum(1) / against.sum(1).clamp(min=TINY)).log()
            if zeta == 0:
                return -ratio.mean()
            apart: Tensor = torch.linalg.vector_norm(features[:, None] - features, dim=2).masked_fill(~own, 0)
            return (zeta * (apart.sum(1) / features.shape[1]).log1p() - ratio).mean()

        return loss

    return loss_of


def growing(numbers: MutualInformation, number: int) -> SignSteps:
    """Return the sign steps of a round, counted from 0: they grow towards `last_step`."""
    left = (numbers.rounds - number) / numbers.rounds
    step = numbers.last_step + (numbers.descent.step - numbers.last_step) * left
    return SignSteps(steps=numbers.descent.steps, step=step)


ZHU26 = Paper(
    key="zhu2026why",
    title="Why Do Unlearnable Examples Work: A Novel Perspective of Mutual Information",
    authors=("Yifan Zhu", "Yibo Miao", "Yinpeng Dong", "Xiao-Shan Gao"),
    year=2026,
    venue="ICLR 2026",
    identifier="arXiv:2603.03725",
    code="hala64/mi-ue",
)

MI_UE_ZHU26 = Method(
    name="mi-ue-zhu26",
    aliases=("mi-ue",),
    title="mutual-information noise: features of a class drawn together, those of different classes apart",
    paper=ZHU26,
    bound="L-inf rho_u",
    surrogate=True,
    source="Zhu et al., ICLR 2026",
    recipe=EpochRounds(table=MutualInformation, loss=attraction(zeta=0.1, own_class_repels=False)),
)
