"""EM (error-minimising noise) with the quirk of the released code: `em-fu22`, made on augmented views.

Fu et al., "Robust Unlearnable Examples", ICLR 2022, generator of the EM rows: its images come flipped and cropped from
the loader, the noise is optimised for that view, yet stored for the unshifted image. Corrected: the final pass covers
all images, where the released one skips the last incomplete batch.
"""

from attacks.spec import Method, SurrogateLoop

EM_FU22_RELEASED = Method(
    name="em-fu22-released",
    title="error-minimising noise, made on shifted images and stored for unshifted ones",
    year=2022,
    bound="L-inf rho_u",
    source="Fu et al., ICLR 2022, released generator of the EM rows",
    recipe=SurrogateLoop(views=False, robust_update=False, augment_batch=True),
)
