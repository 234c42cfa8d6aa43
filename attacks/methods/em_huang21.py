"""The original EM, sample-wise.

Huang et al., "Unlearnable Examples: Making Personal Data Unexploitable", ICLR 2021, sample-wise noise: CE(f(x + delta),
y) is minimised alternately over the weights and, for each image, over delta within `rho_u`. A round is `updates` steps
of a surrogate on shuffled batches of noisy images, then sign steps down its loss on the noise of every image, resumed
from the stored noise: delta = clip(clip(x + delta, 0, 1) - x - step * sign(dCE/dx), -rho_u, rho_u). No random views are
drawn. The rounds end once the surrogate's error rate on the noisy images is below `train_error`.

Hyperparameters are in the protocol's `alternating` table; the defaults are those of the released scripts for CIFAR-10:
10 updates per round with batch size 512, 20 steps of `rho_u`/10, 1% error. As released, noise starts at zero (the
scripts do not use the option of a random start), the surrogate's learning rate is constant (a schedule is created but
never stepped), its gradient norm is clipped to 5, and it sees the unclipped sum of image and unrounded noise, not
centred (mean 0). Scaled down, its input is centred (mean 0.5), the batch size is 128, and rounds are fewer, with fewer
and larger steps.

Differences from the released code:
- on ImageNet, `rho_u` is the protocol's for all methods and noise is made on all images; there 16, and a share of 20%;
- on ImageNet, the surrogate sees whole images, squashed to 256 pixels, and has PyTorch's default initialisation; there,
  it sees the central 224 pixels of images whose shorter side is 256, and has torchvision's;
- at most `rounds` rounds, since the criterion may never be met; the noise is then kept and marked as out of budget;
- batches are shuffled, and the incomplete last one of an epoch is dropped; there, they come in the dataset's order;
- the rounds end below `train_error`; there, at or below it;
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
    version=2,  # 1 let noisy images leave [0, 1], rounded the noise for the surrogate and clipped no gradient
)
