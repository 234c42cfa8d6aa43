"""The original EM, class-wise.

Huang et al., "Unlearnable Examples: Making Personal Data Unexploitable", ICLR 2021, class-wise noise: the rounds of
`em-huang21`, except that the noise is made on `class_share` of the images, drawn once in proportion to the class sizes.
In each shuffled batch of them, every image takes `class_descent` sign steps from its class's noise; the mean of the
results over the class then becomes its noise. The surrogate learns from batches of the whole set; its error is measured
on the share. Every image of a class carries the class's noise.

The defaults are those of the released scripts: 20% of the images, one step of `rho_u`/10 per batch, 1% error (the
released readme says 10%). Corrected, besides what `em-huang21` corrects: the last, incomplete batch of the share is
used too. A class so small that the share contains none of its images gets no noise.
"""

from attacks.methods.em_huang21 import HUANG21
from attacks.recipes.alternating_rounds import AlternatingRounds
from attacks.spec import Method

EM_HUANG21_CLASSWISE = Method(
    name="em-huang21-classwise",
    title="the original error-minimising noise, class-wise",
    paper=HUANG21,
    bound="L-inf rho_u",
    granularity="class",
    surrogate=True,
    source="Huang et al., ICLR 2021, and released code",
    recipe=AlternatingRounds(classwise=True),
    version=2,  # as for `em-huang21`
)
