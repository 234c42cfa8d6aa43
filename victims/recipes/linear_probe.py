"""Linear probe: a new head learns on the features of a frozen pretrained network, of images as they are.

Numbers of the probe in AUE's evaluation (NeurIPS 2024, arXiv 2402.04010, code EhanW/AUE-AAP at 64fb25f): SGD at a rate
of 1 that falls to a fifth after 60, 75 and 90 of 100 epochs, batch 512, no augmentation, features in eval mode.
"""

from typing import TYPE_CHECKING, Any, ClassVar

from attacks.core.cost import Passes
from attacks.core.settings import Augment, OptimiserSettings, OwnTable, Positive, Sgd
from attacks.methods.aue_wang24 import WANG24
from victims.recipes.fine_tune import head
from victims.recipes.spec import Stage, TrainingRecipe
from victims.settings import VictimSettings

if TYPE_CHECKING:
    from torch import Tensor


class LinearProbe(OwnTable):
    """The numbers of the probe: optimiser steps, images in one, and the optimiser."""

    table: ClassVar[str] = "linear-probe"

    steps: Positive = 9_700
    batch: Positive = 512
    sgd: OptimiserSettings = Sgd(lr=1.0, weight_decay=0, milestones=(5_820, 7_275, 8_730), gamma=0.2)


class Plain:
    """The view of an image as it is; its centre, where networks see less than the whole.

    Args:
        augment: whose size counts.
    """

    def __init__(self, augment: Augment, *_: Any) -> None:
        self._augment = augment

    def apply(self, images: "Tensor") -> "Tensor":
        """Return the views of images (n, C, H, W)."""
        from attacks.engine.views import centre

        return centre(images, self._augment)


def stages(settings: VictimSettings) -> tuple[Stage, ...]:
    """Return the only stage; a victim with a radius is attacked in it as in any other training."""
    own = LinearProbe.of(settings)
    return (
        Stage(
            steps=own.steps,
            batch=own.batch,
            optimiser=own.sgd,
            parts=head,
            view=Plain,
            cost=Passes(forward=1),
        ),
    )


LINEAR_PROBE = TrainingRecipe(
    name="linear-probe",
    title="a new head learns on the features of a frozen pretrained network, without augmentation",
    paper=WANG24,
    source="evaluation of AUE, NeurIPS 2024, released code",
    stages=stages,
    reads=("network", "augment", "victim", LinearProbe),
    pretrained=True,
)
