"""BAIT (binding artificial perturbations to incorrect targets): noise for victims that start from pretrained weights.

Li et al., "When Priors Backfire: On the Vulnerability of Unlearnable Examples to Pretraining", ICLR 2026: a bi-level
problem. Its inner level has a network f learn the true labels of noisy images; its outer level moves the noise so that
what f has just learnt takes an image with the noise of *another* class for that class. The noise d_y of a class is the
mean over its images of what a generator G makes of them. As in the released code, from d = 0, each of `rounds` rounds is

1. a batch x, y: f', a copy of the surrogate f, takes one SGD step down CE(f'(x + d_y), y), its momentum being f's;
2. a pass over the set in shuffled batches: with wrong labels t and d the class means of G over the batch, one Adam step
   of G down CE(f'(clip(x + rho_u d_t)), t); then d, for each class there, is its mean over the batch of the new G;
3. f takes one step down CE(f(x + d_y), y) on the batch of 1, its gradient clipped to a norm of 5.

t is the likeliest wrong class by f' on the clean image in the first third of the rounds, any wrong class in the second,
the unlikeliest class in the last. Images are random views in all three. A protected image carries the mean of G, in
eval mode, over all unaugmented images of its class, times `rho_u`.

Numbers are the protocol's `bait`, and `pretrained` for the weights; the defaults are the released script's for CIFAR-10:
ResNet-18 with ImageNet's weights, all of which learn, 90 rounds of batches of 512, rates of 0.1 (f) and 0.001 (G).
Scaled down, the generator has a quarter of the channels, and the rounds are 30 at `lite-v1` (61 image-passes of training
or attack per image, half of SEM's: the network with weights costs several times a narrow ResNet) and 9 at `smoke-v1`;
their weights are EfficientNet-Lite0's, which a package ships.

Kept: f' is in train mode throughout, so that its BatchNorms see the batch; a batch's incomplete rest is left out of each
pass; the unlikeliest class may be the true one; a class that is not among the batch's images lends a noise of zero.

Differences from the released code: noise is rounded to the 1/255 grid, where it cuts the noisy image off to whole
levels; images are normalised as the weights want it, where it does so for CIFAR-100 alone; views are the protocol's for
every dataset, where it has none for SVHN and also rotates those of CIFAR-100; the thirds are of `rounds`, where it has
30 rounds each; images whose sides are no multiples of 8 are padded for G.
"""

from attacks.recipes.generator_rounds import GeneratorRounds
from attacks.spec import Method, Paper

BAIT_LI26 = Method(
    name="bait-li26",
    aliases=("bait",),
    title="noise of a class that a pretrained network takes for the label, whatever image carries it",
    paper=Paper(
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
    ),
    bound="L-inf rho_u",
    granularity="class",
    surrogate=True,
    source="Li et al., ICLR 2026, released code",
    recipe=GeneratorRounds(),
)
