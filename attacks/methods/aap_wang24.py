"""AAP (augmented adversarial poisoning), targeted.

Wang, Zhu, Gao, "Efficient Availability Attacks against Supervised and Contrastive Learning Simultaneously", NeurIPS
2024, and the released code: TAP on contrastive-learning views (A in `aue-wang24`). A network f is trained on A(x) of
clean images and frozen; then each noise, zero at first, descends CE(f(A(x + delta)), (y + 1) mod classes) by projected
sign steps, each on a fresh view, inside `rho_u` and such that x + delta stays in [0, 1].

Numbers are the protocol's `aap`; its defaults are the released ones for CIFAR-10 (40 epochs of batches of 128, SGD 0.5
after 10 epochs of linear warm-up, along a cosine to 1e-6 per epoch, 250 steps of `rho_u`/100, s = 0.4 for both);
CIFAR-100 has s = 0.8. As released, the network does not centre its input. With fewer steps, each is larger, so that
their sum stays 2.5 `rho_u`: `lite-v1` takes 50 after 12 epochs, `smoke-v1` 25 after 15, each with 3 epochs of warm-up.

Differences from the released code: clean images get the same kind of views as noisy ones, whereas torchvision there
draws the order of the colour changes per image, resizes with antialiasing and rounds after each step; noise is rounded
to the 1/255 grid, whereas the protected image is truncated to it there; batches are as in `aue-wang24`.
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
