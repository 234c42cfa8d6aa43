"""EM (error-minimising noise) without the quirk of `em-fu22`: optimised on the image that it is added to.

Fu et al., "Robust Unlearnable Examples", ICLR 2022, generator of the EM rows, with the image itself in place of a
flipped and cropped view; the surrogate is trained on the noisy images. All else is as in `em-fu22`.
"""

from attacks.methods.rem_fu22 import FU22
from attacks.recipes.surrogate_loop import SurrogateLoop
from attacks.spec import Method

EM_FU22_ALIGNED = Method(
    name="em-fu22-aligned",
    title="error-minimising noise, optimised on the unshifted images",
    paper=FU22,
    bound="L-inf rho_u",
    surrogate=True,
    source="Fu et al., ICLR 2022, EM rows; without the released generator's shift",
    recipe=SurrogateLoop(views=False, robust_update=False, in_range=True),
    version=2,  # 1 bounded the noise by rho_u alone and rounded it before each update
)
