"""EM (error-minimising noise) as the EM rows of the REM and SEM papers have it.

The idea is of Huang et al., "Unlearnable Examples: Making Personal Data Unexploitable", ICLR 2021; this is the variant
of Fu et al., "Robust Unlearnable Examples", ICLR 2022: noise restarted at random at every visit, one update of the
surrogate per batch. One view, the image itself; the surrogate is trained on the noisy images. Corrected: the released
code makes the noise on a flipped and cropped view of each image and stores it for the unshifted one
(`em-fu22-released` does so too), and its final pass skips the last incomplete batch; ours covers all images.
"""

from attacks.spec import Method, SurrogateLoop

EM_FU22 = Method(
    name="em-fu22",
    aliases=("em",),
    title="error-minimising noise, made on the images themselves",
    year=2022,
    bound="L-inf rho_u",
    source="Fu et al., ICLR 2022, EM rows; idea of Huang et al., ICLR 2021",
    recipe=SurrogateLoop(views=False, robust_update=False),
)
