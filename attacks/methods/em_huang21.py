"""The original EM, one noise per image.

Huang et al., "Unlearnable Examples: Making Personal Data Unexploitable", ICLR 2021, sample-wise noise: over the weights
and, for each image, over delta within `rho_u`, minimise CE(f(x + delta), y), in turn. A round is `updates` steps of a
surrogate on shuffled batches of noisy images, then sign steps down its loss on the noise of every image, resuming from
the stored noise: delta = clip(clip(x + delta, 0, 1) - x - step * sign(dCE/dx), -rho_u, rho_u). No view is drawn. The
rounds end once the surrogate's error rate on the noisy images is below `train_error`.

Numbers are the protocol's `alternating`; its defaults are the released scripts' for CIFAR-10: 10 updates a round on
batches of 512, 20 steps of `rho_u`/10, 1% error. As released, noise starts at zero (the scripts do not use the option
of a random start), the surrogate keeps one learning rate throughout (a schedule is made and never advanced), the norm
of its gradient is clipped to 5, and it sees the plain sum of image and unrounded noise, even outside [0, 1].

Differences from the released code:
- on ImageNet, `rho_u` is the protocol's for all methods and noise is made on all images; there 16, and a share of 20%;
- on ImageNet, the surrogate sees whole images, squashed to 256 pixels, and starts from PyTorch's default weights;
  there, it sees the middle 224 of images whose shortest side is 256, and starts from torchvision's;
- at most `rounds` rounds, since the criterion may never be met; the noise is then kept and marked as out of budget;
- batches are shuffled, without an epoch's incomplete last one; there, they come in the dataset's order;
- all of the noise is used; there, its negative half is lost when the protected images are built.
"""

from attacks.recipes.alternating_rounds import AlternatingRounds
from attacks.spec import Method, Paper

HUANG21 = Paper(
    key="huang2021unlearnable",
    title="Unlearnable Examples: Making Personal Data Unexploitable",
    authors=("Hanxun Huang", "Xingjun Ma", "Sarah Monazam Erfani", "James Bailey", "Yisen Wang"),
    year=2021,
    venue="ICLR 2021",
    identifier="arXiv:2101.04898",
    code="HanxunH/Unlearnable-Examples",
)

EM_HUANG21 = Method(
    name="em-huang21",
    title="the original error-minimising noise: warm-started each round until the surrogate fits it",
    paper=HUANG21,
    bound="L-inf rho_u",
    surrogate=True,
    source="Huang et al., ICLR 2021, and released code",
    recipe=AlternatingRounds(classwise=False),
    version=2,  # 1 let the noise lead out of [0, 1], rounded it for the surrogate and clipped no gradient
)
