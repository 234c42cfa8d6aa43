"""EM (error-minimising noise) as the REM paper's released code makes it.

Fu et al., "Robust Unlearnable Examples", ICLR 2022, whose tables call it EM; the idea is Huang et al., "Unlearnable
Examples", ICLR 2021. One view, no disturbance; the surrogate is trained on the noisy images. Kept as released: the
noise is optimised on a flipped and cropped view of each image, yet stored for the unshifted image; `em-fu22-aligned`
is the same without that. Corrected: the final pass covers all images, where the released one skips the last
incomplete batch.
"""

from attacks.spec import Method, SurrogateLoop

EM_FU22 = Method(
    name="em-fu22",
    aliases=("em",),
    title="error-minimising noise, made on augmented views (the EM of the REM and SEM tables)",
    year=2022,
    bound="L-inf rho_u",
    source="Fu et al., ICLR 2022, released generator of the EM rows",
    recipe=SurrogateLoop(views=False, robust_update=False, augment_batch=True),
)
