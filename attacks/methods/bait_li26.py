"""BAIT (binding artificial perturbations to incorrect targets): noise for victims that start from pretrained weights.

Li et al., "When Priors Backfire: On the Vulnerability of Unlearnable Examples to Pretraining", ICLR 2026: a bi-level
problem. The inner level has a network f learn the true labels of noisy images; the outer level changes the noise so
that f, after that step, takes an image with the noise of *another* class for that class. The noise d_y of a class is
the mean of what a generator G makes of its images. As released, starting at d = 0, each of `rounds` rounds has

1. a batch x, y: f', a copy of the surrogate f with its momentum, takes one SGD step down CE(f'(x + d_y), y);
2. a pass over the set in shuffled batches: for wrong labels t, one Adam step of G down CE(f'(clip(x + rho_u m_t)), t),
   where m are the class means of G over the batch; then d_y is rho_u times the mean of the new G for each class there;
3. f takes the step down CE(f(x + d_y), y) on the batch of 1, its gradient clipped to a norm of 5.

t is the likeliest wrong class of the clean image by f' in the first third of the rounds, any wrong class in the second,
the least likely class in the last. Images are random views throughout. A protected image carries `rho_u` times the mean
of G, in eval mode, over all images of its class, without random views.

Numbers are the protocol's `bait`, and `pretrained` for the weights; the defaults are the released script's for
CIFAR-10: ResNet-18 with ImageNet weights, all of which are trained, 90 rounds, batches of 512, rates of 0.1 (f) and
0.001 (G). Scaled down, G has a quarter of the channels, batches are smaller, so that G still takes thousands of steps
at `lite-v1`, and there are 12 rounds there and 3 at `smoke-v1`. The weights are then those of EfficientNet-Lite0, which
a package ships; a pass of it costs several times one of the narrow ResNet of other methods. Image-passes of f, f' and G
are all counted.

Kept: f' is in train mode in 2, so that its BatchNorms see the batch; an incomplete batch is left out of a pass; the
least likely class may be the true one; the noise of a class that is not in the batch is zero in the step of G.

Differences from the released code: noise is rounded to the 1/255 grid, whereas there the noisy image is truncated to
it; images are normalised as the weights expect, there for CIFAR-100 alone; views are the protocol's for every dataset,
there none for SVHN and also rotated for CIFAR-100; `rounds` are divided into thirds, there into 30, 30 and the rest;
for G, images are padded to sides that are multiples of 8.
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
