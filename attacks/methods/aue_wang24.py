"""AUE (augmented unlearnable examples), one noise per image.

Wang, Zhu, Gao, "Efficient Availability Attacks against Supervised and Contrastive Learning Simultaneously", NeurIPS
2024, and the released code: error-minimising noise whose surrogate and sign steps see the views of contrastive
learning, so that it also works against that. A is a view of strength s, drawn per image and differentiable: a resized
crop of 1 - 0.9 s to 1 of the area, a flip, a colour jitter, greyscale (`attacks/engine/contrastive.py`). In each epoch
the surrogate first passes over all images, shuffled, and descends CE(f(A(x + delta)), y); then the noise of every
image, kept from epoch to epoch and zero at first, takes a few sign steps down the same loss, each on a fresh view,
inside `rho_u` and such that x + delta stays in [0, 1].

Numbers are the protocol's `aue`; its defaults are the released ones for CIFAR-10 (60 epochs of batches of 128, SGD 0.1
along a cosine to 1e-6 per epoch, 5 steps of `rho_u`/10, s = 0.6); CIFAR-100 has s = 1. As released, the surrogate does
not centre its input and learns from unrounded noise. As with EM and SEM, fewer steps are larger: `lite-v1` has 20
epochs and `smoke-v1` 8, of 2 steps of `rho_u`/4, which reach as far as the 5.

Differences from the released code: noise is rounded to the 1/255 grid, whereas the protected image is truncated to it
there; noise is made in batches of 512, whereas 128 images share the order of the colour changes there.
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
