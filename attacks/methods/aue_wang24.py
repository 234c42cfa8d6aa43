"""AUE (augmented unlearnable examples), sample-wise.

Wang, Zhu, Gao, "Efficient Availability Attacks against Supervised and Contrastive Learning Simultaneously", NeurIPS
2024, and the released code: error-minimising noise whose surrogate and sign steps use contrastive-learning views, so
that it also works against contrastive learning. A is a differentiable view of strength s, drawn per image: a resized
crop of 1 - 0.9 s to 1 of the area, a flip, colour jitter and greyscale (`attacks/engine/contrastive.py`). In each
epoch the surrogate first passes over all images, shuffled, and descends CE(f(A(x + delta)), y); then the delta of every
image, kept from epoch to epoch and zero at first, takes a few sign steps down the same loss, each on a fresh view,
projected so that delta stays within `rho_u` and x + delta in [0, 1].

Hyperparameters are in the protocol's `aue` table; the defaults are those released for CIFAR-10 (60 epochs with batch
size 128, SGD at 0.1 decayed per epoch along a cosine to 1e-6, 5 steps of `rho_u`/10, s = 0.6); for CIFAR-100, s = 1. As
released, the surrogate does not centre its input and learns from unrounded noise. As for EM and SEM, fewer steps are
larger: `lite-v1` has 20 epochs and `smoke-v1` 8, each of 2 steps of `rho_u`/4, which together reach as far as the 5.

Differences from the released code: noise is rounded to the 1/255 grid, whereas there the protected image is truncated
to it; noise is made in batches of 512 that share the order of the colour changes, whereas there 128 images share it;
initial weights are PyTorch's defaults, there torchvision's (kaiming_normal, fan_out), except in CIFAR's first layer.
"""

from attacks.recipes.contrastive_epochs import ContrastiveEpochs
from attacks.spec import Method, Paper

WANG24 = Paper(
    key="wang2024efficient",
    title="Efficient Availability Attacks against Supervised and Contrastive Learning Simultaneously",
    authors=("Yihan Wang", "Yifan Zhu", "Xiao-Shan Gao"),
    year=2024,
    venue="NeurIPS 2024",
    identifier="arXiv:2402.04010",
    code="EhanW/AUE-AAP",
)

AUE_WANG24 = Method(
    name="aue-wang24",
    aliases=("aue",),
    title="error-minimising noise on contrastive-learning views",
    paper=WANG24,
    bound="L-inf rho_u",
    surrogate=True,
    source="Wang et al., NeurIPS 2024, and released code",
    recipe=ContrastiveEpochs(classwise=False),
)
