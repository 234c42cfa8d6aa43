"""EM (error-minimising noise) as in the EM rows of the REM and SEM papers.

Fu et al., "Robust Unlearnable Examples: Protecting Data Against Adversarial Learning", ICLR 2022, released generator of
the EM rows; the idea is from Huang et al., ICLR 2021. Each visit to a batch restarts its noise at random, takes K sign
steps down the surrogate's loss, and updates the surrogate once on the noisy batch. A quirk of that code is kept: its
loader flips and crops the images, so the noise is optimised for such a view, yet stored for the unshifted image
(`em-fu22-aligned` lacks this quirk). Hyperparameters are the protocol's, from the released script (K 10 steps of 1.6).
As released, each sign step also keeps the noisy image in [0, 1], and the surrogate learns from the unrounded float16
noise; only the final noise is rounded.

Corrected: the final pass covers all images, whereas the released one skips the last incomplete batch. If networks see
crops (ImageNet), the view is resized back to the image's own size and the surrogate learns at that size, whereas the
released code makes and stores the noise at the size of the crop.
"""

from attacks.methods.rem_fu22 import FU22
from attacks.recipes.surrogate_loop import SurrogateLoop
from attacks.spec import Method

EM_FU22 = Method(
    name="em-fu22",
    aliases=("em",),
    title="error-minimising noise, optimised on shifted images but stored for unshifted ones",
    paper=FU22,
    bound="L-inf rho_u",
    surrogate=True,
    source="Fu et al., ICLR 2022, released generator of the EM rows",
    recipe=SurrogateLoop(views=False, robust_update=False, augment_batch=True, in_range=True),
    version=2,  # 1 bounded the noise by rho_u alone and rounded it before each update
)
