"""EM (error-minimising noise) made where it is applied: `em-fu22` without its augmented batches.

Design section 5 row "EM": one view, the image itself; the surrogate is trained on the noisy images.
"""

from attacks.spec import Method, SurrogateLoop

EM_FU22_ALIGNED = Method(
    name="em-fu22-aligned",
    title="error-minimising noise, made on the images themselves",
    year=2022,
    bound="L-inf rho_u",
    source="Fu et al., ICLR 2022, less the shift between making and storing",
    recipe=SurrogateLoop(views=False, robust_update=False),
)
