"""Linear probe: a new head learns on the features of a frozen pretrained network, without augmentation.

The hyperparameters are those of the probe in AUE's evaluation (NeurIPS 2024, arXiv 2402.04010, code EhanW/AUE-AAP at
64fb25f): SGD with a learning rate of 1, divided by 5 after 60, 75 and 90 of 100 epochs, batch size 512, no
augmentation, features in eval mode. Differences: incomplete batches are dropped (9,700 steps, there 9,800), and images
are normalised.
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
    """The numbers of the probe: optimiser steps, images per step, and the optimiser."""

    table: ClassVar[str] = "linear-probe"

    steps: Positive = 9_700
    batch: Positive = 512
    sgd: OptimiserSettings = Sgd(lr=1.0, weight_decay=0, milestones=(5_820, 7_275, 8_730), gamma=0.2)


class Plain:
    """The view without augmentation: the whole image, or its centre if networks see only a crop.

    Args:
        augment: the protocol's random view, of which only the size is used.
    """

    def __init__(self, augment: Augment, *_: Any) -> None:
        self._augment = augment

    def apply(self, images: "Tensor") -> "Tensor":
        """Return the views of images (n, C, H, W)."""
        from attacks.engine.views import centre

        return centre(images, self._augment)


def stages(settings: VictimSettings) -> tuple[Stage, ...]:
    """Return the only stage; with a radius above 0 its images are attacked, as in any other training."""
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
