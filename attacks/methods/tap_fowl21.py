"""TAP (targeted adversarial poisoning).

Fowl et al., "Adversarial Examples Make Strong Poisons", NeurIPS 2021, with class targets: a network f is trained on
clean images and frozen; then, from a random start, each delta descends CE(f(T(x + delta)), (y + 1) mod classes) by
projected sign steps, each with one fresh random view T. A pixel that the noise pushes out of [0, 1] gets zero gradient.

Hyperparameters are in the protocol's `targeted` table; the defaults are those of the TAP generator released with Fu et
al., ICLR 2022, for CIFAR-10: 250 steps of 0.064/255; as there, the noise is cast to float16 before rounding. The
network is the protocol's surrogate, trained on random views in the same run, for as long and with the same optimiser as
the papers' victims (40,000 steps), whereas that generator loads the weights of a trained network.
"""

from typing import TYPE_CHECKING

from attacks.recipes.targeted_steps import TargetedSteps
from attacks.spec import Method, Paper

if TYPE_CHECKING:
    from torch import Tensor


def following(labels: "Tensor", classes: int) -> "Tensor":
    """Return the class after each label, cyclically."""
    return (labels + 1) % classes


TAP_FOWL21 = Method(
    name="tap-fowl21",
    title="targeted adversarial noise: images pushed towards the next class of a network trained on clean images",
    paper=Paper(
        key="fowl2021adversarial",
        title="Adversarial Examples Make Strong Poisons",
        authors=("Liam Fowl", "Micah Goldblum", "Ping-yeh Chiang", "Jonas Geiping", "Wojciech Czaja", "Tom Goldstein"),
        year=2021,
        venue="NeurIPS 2021",
        identifier="arXiv:2106.10807",
        code="lhfowl/adversarial_poisons",
    ),
    bound="L-inf rho_u",
    surrogate=True,
    source="Fowl et al., NeurIPS 2021; numbers as in Fu et al., ICLR 2022, released generator",
    recipe=TargetedSteps(target=following),
    version=2,  # 1 passed gradients through clipped pixels and rounded without float16
)
