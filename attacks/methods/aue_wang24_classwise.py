"""AUE (augmented unlearnable examples), class-wise.

Wang, Zhu, Gao, "Efficient Availability Attacks against Supervised and Contrastive Learning Simultaneously", NeurIPS
2024, and the released code with `--class-wise`: as in `aue-wang24`, except that the sign steps go over shuffled batches
of all images, and in each batch the noise of every class present takes one step of `rho_u`/10 along the sign of the
gradient summed over its images. As released, the sum of image and noise is clipped to valid pixels only in the
protected images, not while the noise is made.

With fewer epochs, each step is larger: `rho_u`/5 in `lite-v1`, `rho_u`/4 in `smoke-v1`.
"""

from attacks.methods.aue_wang24 import WANG24
from attacks.recipes.contrastive_epochs import ContrastiveEpochs
from attacks.spec import Method

AUE_WANG24_CLASSWISE = Method(
    name="aue-wang24-classwise",
    title="class-wise error-minimising noise on contrastive-learning views",
    paper=WANG24,
    bound="L-inf rho_u",
    granularity="class",
    surrogate=True,
    source="Wang et al., NeurIPS 2024, and released code",
    recipe=ContrastiveEpochs(classwise=True),
)
