"""AAP (augmented adversarial poisoning), targeted.

Wang, Zhu, Gao, "Efficient Availability Attacks against Supervised and Contrastive Learning Simultaneously", NeurIPS
2024, and the released code: TAP on views as contrastive learning takes them (A of `aue-wang24`). A network
f is trained on A(x) of clean images and frozen; then, from none, each noise goes down CE(f(A(x + delta)), (y + 1) mod
classes) by projected sign steps, each on a view of its own, inside `rho_u` and such that x + delta stays in [0, 1].

Numbers are the protocol's `aap`; its defaults are the released ones for CIFAR-10 (40 epochs of batches of 128, SGD 0.5
after 10 epochs of linear warm-up, along a cosine to 1e-6 per epoch, 250 steps of `rho_u`/100, s = 0.4 for both);
CIFAR-100 has s = 0.8. As there, the network centres nothing. Fewer steps are larger, so that their sum stays 2.5
`rho_u`: `lite-v1` takes 50 after 12 epochs, `smoke-v1` 25 after 15, each with 3 epochs of warm-up.

Differences from the released code: the clean images' views are those of the noisy ones, where there torchvision draws
the order of the changes of colour per image, resizes with antialiasing and rounds after each step; noise is rounded to
the 1/255 grid, where there the protected image is truncated to it; batches as of `aue-wang24`.
"""

from attacks.methods.aue_wang24 import WANG24
from attacks.methods.tap_fowl21 import following
from attacks.recipes.contrastive_steps import ContrastiveSteps
from attacks.spec import Method

AAP_WANG24 = Method(
    name="aap-wang24",
    aliases=("aap",),
    title="targeted adversarial noise on views as contrastive learning takes them",
    paper=WANG24,
    bound="L-inf rho_u",
    surrogate=True,
    source="Wang et al., NeurIPS 2024, and released code",
    recipe=ContrastiveSteps(target=following),
)
