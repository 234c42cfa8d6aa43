"""The original EM, one noise per class.

Huang et al., "Unlearnable Examples: Making Personal Data Unexploitable", ICLR 2021, class-wise noise: the rounds of
`em-huang21`, whose docstring holds here too, but the noise is made on `class_share` of the images, drawn once and in
proportion to the classes. In each shuffled batch of them, `class_descent` sign steps go from the class's noise for each
image, and the class's noise becomes their mean. The surrogate learns from batches of the whole set; its error is that
on the share. Every image of a class carries the class's noise.

Defaults are the released scripts': 20% of the images, one step of `rho_u`/10 a batch, 1% error (the release's readme
says 10%). Also corrected: the last, incomplete batch of the share counts too. A class so small that none of its images
is in the share stays without noise.
"""

from attacks.methods.em_huang21 import HUANG21
from attacks.recipes.alternating_rounds import AlternatingRounds
from attacks.spec import Method

EM_HUANG21_CLASSWISE = Method(
    name="em-huang21-classwise",
    title="the original error-minimising noise, one per class",
    paper=HUANG21,
    bound="L-inf rho_u",
    granularity="class",
    surrogate=True,
    source="Huang et al., ICLR 2021, and released code",
    recipe=AlternatingRounds(classwise=True),
    version=2,  # as of `em-huang21`
)
