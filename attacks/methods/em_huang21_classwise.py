"""The original EM, one noise per class.

Huang et al., "Unlearnable Examples: Making Personal Data Unexploitable", ICLR 2021, class-wise noise: the rounds of
`em-huang21`, whose docstring applies here too, except that the noise is made on `class_share` of the images, drawn once
and in proportion to the classes. In each shuffled batch of them, every image takes `class_descent` sign steps from its
class's noise, which is then replaced by their mean over the class. The surrogate learns from batches of the whole set;
its error is measured on the share. Every image of a class carries the class's noise.

Defaults are the released scripts': 20% of the images, one step of `rho_u`/10 a batch, 1% error (the release's readme
says 10%). Also corrected: the last, incomplete batch of the share counts too. A class so small that the share has none
of its images gets no noise.
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
