"""AAP (augmented adversarial poisoning), targeted.

Wang, Zhu, Gao, "Efficient Availability Attacks against Supervised and Contrastive Learning Simultaneously", NeurIPS
2024, and the released code: TAP on contrastive-learning views (A in `aue-wang24`). A network f is trained on views A(x)
of clean images and frozen; then each delta, zero at first, descends CE(f(A(x + delta)), (y + 1) mod classes) by sign
steps, each on a fresh view, projected so that delta stays within `rho_u` and x + delta in [0, 1].

Hyperparameters are in the protocol's `aap` table; the defaults are those released for CIFAR-10 (40 epochs with batch
size 128, SGD at 0.5 after 10 epochs of linear warm-up, decayed per epoch along a cosine to 1e-6, 250 steps of
`rho_u`/100, s = 0.4 for both); for CIFAR-100, s = 0.8. As released, the network does not centre its input. Fewer steps
are larger, so that their sum stays 2.5 `rho_u`: 50 steps after 12 epochs in `lite-v1`, 25 after 15 in `smoke-v1`, each
with 3 epochs of warm-up.

Differences from the released code: clean images get the same kind of views as noisy ones, whereas there torchvision
draws the order of the colour changes per image, resizes with antialiasing and rounds after each step; noise is rounded
to the 1/255 grid, whereas there the protected image is truncated to it; batches and initial weights are as in
`aue-wang24`.
"""

from attacks.methods.aue_wang24 import WANG24
from attacks.methods.tap_fowl21 import following
from attacks.recipes.contrastive_steps import ContrastiveSteps
from attacks.spec import Method

AAP_WANG24 = Method(
    name="aap-wang24",
    aliases=("aap",),
    title="targeted adversarial noise on contrastive-learning views",
    paper=WANG24,
    bound="L-inf rho_u",
    surrogate=True,
    source="Wang et al., NeurIPS 2024, and released code",
    recipe=ContrastiveSteps(target=following),
)
