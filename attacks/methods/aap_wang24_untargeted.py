"""AAP (augmented adversarial poisoning), untargeted.

Wang, Zhu, Gao, "Efficient Availability Attacks against Supervised and Contrastive Learning Simultaneously", NeurIPS
2024, and the released code with `--untargeted`: as in `aap-wang24`, except that the noise ascends the loss of the
image's own label instead of descending that of the next class.
"""

from typing import TYPE_CHECKING

from attacks.methods.aue_wang24 import WANG24
from attacks.recipes.contrastive_steps import ContrastiveSteps
from attacks.spec import Method

if TYPE_CHECKING:
    from torch import Tensor


def own(labels: "Tensor", _classes: int) -> "Tensor":
    """Return the labels unchanged."""
    return labels


AAP_WANG24_UNTARGETED = Method(
    name="aap-wang24-untargeted",
    title="untargeted adversarial noise on contrastive-learning views",
    paper=WANG24,
    bound="L-inf rho_u",
    surrogate=True,
    source="Wang et al., NeurIPS 2024, and released code",
    recipe=ContrastiveSteps(target=own, away=True),
)
