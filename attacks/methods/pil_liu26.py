"""PIL (perturbation-induced linearisation).

Liu, Chen, Zhang, "Perturbation-Induced Linearization: Constructing Unlearnable Data with Solely Linear Classifiers",
ICLR 2026, and its released code. f is two linear layers without bias on pixels in [0, 1], trained on clean images. From
a uniform start within `rho_u`, each delta descends, by projected sign steps,

    a CE(f(delta), y) + (1 - a) KL(uniform || softmax f(x - delta)),

so that f classifies delta alone as y (a shortcut) and x - delta as no class in particular. The published image is
x - delta, so the noise is -delta, clipped to valid pixels only when it is added. f is linear: the gradient of the first
term depends only on y and delta, so the noise is nearly the same for all images of a class.

Hyperparameters are in the protocol's `pil` table; the defaults are the released ones (30 epochs with batch size 512,
SGD at 0.003 decayed along a cosine to 0, 30 steps of `rho_u`/10, a = 0.9). PIL costs no image-passes, so `lite-v1` uses
the same; `smoke-v1` has smaller batches, because its small sets would give f too few updates.

Differences from the released code: the order of the images is drawn once and kept in every epoch, whereas there it is
the dataset's, which may be sorted by class; noise is rounded to the 1/255 grid, whereas there the protected image is
truncated to it.
"""

from attacks.recipes.linear_steps import LinearSteps
from attacks.spec import Method, Paper

PIL_LIU26 = Method(
    name="pil-liu26",
    aliases=("pil",),
    title="perturbation-induced linearisation: sign steps on two linear layers",
    paper=Paper(
        key="liu2026perturbation",
        title="Perturbation-Induced Linearization: Constructing Unlearnable Data with Solely Linear Classifiers",
        authors=("Jinlin Liu", "Wei Chen", "Xiaojin Zhang"),
        year=2026,
        venue="ICLR 2026",
        identifier="arXiv:2601.19967",
        code="jinlinll/pil",
    ),
    bound="L-inf rho_u",
    surrogate=True,
    source="Liu et al., ICLR 2026, and released code",
    recipe=LinearSteps(),
)
