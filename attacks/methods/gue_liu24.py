"""GUE (game unlearnable examples): a noise generator that plays a Stackelberg game against its victim.

Liu et al., "Game-Theoretic Unlearnable Example Generator", AAAI 2024: the noise rho_u G_a(x) of a U-Net G should make a
network theta trained on the noisy images fail on the clean ones. As released, the game is solved by a first-order
method for bi-level problems. On each batch x, y, with

    f(theta) = mean of  max over k != y of  CE(theta(x), k)       minimised by the attacker,
    g(a, theta) = CE(theta(clip(x + rho_u G_a(x))), y)            minimised by the victim,

1. theta', a copy of theta, takes `updates` steps of a fresh Adam down g(a, theta') on the batch;
2. q(a, theta) = g(a, theta) - g(a, theta') with theta' held fixed, and
   lambda = max(0, (eta |grad q|^2 - <grad_theta f, grad_theta q>) / (|grad q|^2 + 1e-8)), grad over a and theta;
3. a takes a plain SGD step down lambda q, and theta one down f + lambda q.

No random views are drawn; all networks are in train mode. A protected image carries rho_u G(x), G in eval mode.

Hyperparameters are in the protocol's `gue` table; the defaults are those of the released script for CIFAR-10: 50
epochs, batch size 256, 10 updates at learning rate 1e-4, 0.01 for theta, 0.1 for a, eta 1.5, 64 channels. Each image
takes `updates` + 4 passes per epoch: those of the copy, one of theta on the clean and one on the noisy image, one of
theta' and one of G. Scaled down, the updates are halved, as K is for EM and SEM, and G has an eighth of the channels,
like the surrogate. `lite-v1` takes 0.4 of the CIFAR-10 steps, as for SEM, at 2.5 times the learning rates of a and
theta and twice that of theta', in 10 epochs with batch size 128; `smoke-v1` has 6 epochs with batch size 64, at ten
times all three rates. On ImageNet-100, networks see whole images, squashed to 256 pixels, in batches of 32 at the same
rates as batches of 256.

Kept: the incomplete last batch of an epoch; G's BatchNorm statistics: in the released code they see a batch once per
update and twice more after the updates, all before G's step; here G runs once, and its statistics move equally far.

Differences from the released code: noise is rounded to the 1/255 grid, whereas there the noisy image is truncated to
it; inputs are normalised as the protocol says, there not at all; the generator is that of the last step, whereas the
script also keeps the one with the lowest victim accuracy on the *test* set, and after each such evaluation leaves G in
eval mode for one batch; images are padded to sides that are multiples of 8, at least 16. The second released script,
in which the victim trains adversarially (TRADES), is not followed: no published result that we know of needs it.
"""

from attacks.recipes.game_steps import GameSteps
from attacks.spec import Method, Paper

GUE_LIU24 = Method(
    name="gue-liu24",
    aliases=("gue",),
    title="a generator whose noise, once learnt, makes a network fail on clean images: a Stackelberg game",
    paper=Paper(
        key="liu2024game",
        title="Game-Theoretic Unlearnable Example Generator",
        authors=("Shuang Liu", "Yihan Wang", "Xiao-Shan Gao"),
        year=2024,
        venue="AAAI 2024",
        identifier="doi:10.1609/aaai.v38i19.30130",
        code="hong-xian/gue",
    ),
    bound="L-inf rho_u",
    surrogate=True,
    source="Liu et al., AAAI 2024, released code",
    recipe=GameSteps(),
)
