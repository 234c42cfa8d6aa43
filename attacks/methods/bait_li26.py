"""BAIT (binding artificial perturbations to incorrect targets): noise against pretrained victims.

Li et al., "When Priors Backfire: On the Vulnerability of Unlearnable Examples to Pretraining", ICLR 2026: a bi-level
problem. At the inner level a network f learns the true labels of noisy images; the outer level changes the noise so
that f, after that step, assigns an image carrying the noise of *another* class to that class. The noise d_y of a class
is the mean output of a generator G over its images. As released, starting at d = 0, each of `rounds` rounds has

1. a batch x, y: f', a copy of the surrogate f including its momentum, takes one SGD step down CE(f'(x + d_y), y);
2. a pass over the set in shuffled batches: for wrong labels t, G takes one Adam step down CE(f'(clip(x + rho_u m_t)),
   t), where m are the class means of G over the batch; then, for each class present, d_y = rho_u times the new mean;
3. f takes the step down CE(f(x + d_y), y) on the batch of 1, its gradient clipped to a norm of 5.

t is the likeliest wrong class of the clean image under f' in the first third of the rounds, any wrong class in the
second, and the least likely class in the last. Images are random views throughout. A protected image carries `rho_u`
times the mean of G, in eval mode, over all images of its class, without random views.

Hyperparameters are in the protocol's `bait` table, the weights in `pretrained`; the defaults are those of the released
script for CIFAR-10: ResNet-18 with ImageNet weights, all of which are trained, 90 rounds, batch size 512, learning
rates of 0.1 (f) and 0.001 (G). Scaled down, G has a quarter of the channels, batches are smaller, so that G still takes
thousands of steps in `lite-v1`, and there are 12 rounds (3 in `smoke-v1`). The network is then EfficientNet-Lite0,
whose weights ship with a package; one of its passes costs several times as much as one of the narrow ResNet of other
methods. There the surrogate sees 32 pixels, and fine-tuned victims 64 (48 in `smoke-v1`); both see 32 in the paper.
Image-passes of f, f' and G are all counted.

Kept: f' is in train mode in 2, so that its BatchNorms use batch statistics; incomplete batches are dropped; the least
likely class may be the true one; the noise of a class that is not in the batch is zero in the step of G.

Differences from the released code: noise is rounded to the 1/255 grid, whereas there the noisy image is truncated to
it; images are normalised as the weights expect, there only for CIFAR-100; views are the protocol's for every dataset,
there none for SVHN and with rotations by up to 20 degrees for CIFAR-100, where f's weight decay is 5e-5; `rounds` are
divided into thirds, there into 30, 30 and the rest; for G, images are padded to sides that are multiples of 8.
"""

from attacks.recipes.generator_rounds import GeneratorRounds
from attacks.spec import Method, Paper

LI26 = Paper(
    key="li2026when",
    title="When Priors Backfire: On the Vulnerability of Unlearnable Examples to Pretraining",
    authors=(
        "Zhihao Li",
        "Gezheng Xu",
        "Jiale Cai",
        "Ruiyi Fang",
        "Di Wu",
        "Qicheng Lao",
        "Charles Ling",
        "Boyu Wang",
    ),
    year=2026,
    venue="ICLR 2026",
    identifier="arXiv:2603.04731",
    code="zhli-cs/BAIT",
)

BAIT_LI26 = Method(
    name="bait-li26",
    aliases=("bait",),
    title="class-wise noise that binds any image to its class even for a pretrained network",
    paper=LI26,
    bound="L-inf rho_u",
    granularity="class",
    surrogate=True,
    source="Li et al., ICLR 2026, released code",
    recipe=GeneratorRounds(),
)
