"""MI-UE as in its released code, which differs from the paper.

Zhu et al., ICLR 2026, `gen_miue.py` of hala64/mi-ue with the arguments in its readme; as in `mi-ue-zhu26`, except that

- the distance term is off (`zeta` 0);
- the denominator sums over all pairs of the batch;
- the sign step grows from `descent.step` in the first round towards `last_step` after the last (0.2/255 to 0.4/255;
  on ImageNet-100 in `paper-v1` both are 0.4/255, so that the step is constant);
- each image is flipped at random when it is read, for the surrogate's update and for the noise, and noise made for the
  flipped image is stored for the unflipped one. The other augmentations have strength 0 there and do nothing.
"""

from attacks.core.settings import Augment
from attacks.methods.mi_ue_zhu26 import ZHU26, MutualInformation, attraction, growing
from attacks.recipes.epoch_rounds import EpochRounds
from attacks.spec import Method

MI_UE_ZHU26_CODE = Method(
    name="mi-ue-zhu26-code",
    title="mutual-information noise as released: no distance term, growing steps, flipped images",
    paper=ZHU26,
    bound="L-inf rho_u",
    surrogate=True,
    source="Zhu et al., ICLR 2026, released code",
    recipe=EpochRounds(
        table=MutualInformation,
        loss=attraction(zeta=0, own_class_repels=True),
        steps=growing,
        view=Augment(padding=0),
    ),
)
