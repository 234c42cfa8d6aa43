"""SimCLR and a linear probe: a network learns from protected images without labels, then a head from labels.

Chen et al., ICML 2020, with the numbers of AUE's evaluation (NeurIPS 2024, arXiv 2402.04010, code EhanW/AUE-AAP at
64fb25f): features through a projector of one hidden layer, 2,048 wide with BatchNorm, to 128 dimensions with BatchNorm;
NT-Xent at temperature 0.5 between two views of each of 512 images; SGD at a rate of 0.5 that rises for 10 epochs and
falls along half a cosine, 1,000 epochs. Then the linear probe of `linear-probe`. Different: rates change with every
step; boxes of views are at least 10% of the image, there 8%.
"""

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, cast

from pydantic import Field

from attacks.core.numbers import CosineSgd
from attacks.core.settings import Augment, OwnTable, Positive
from attacks.spec import Paper
from victims.recipes.linear_probe import LinearProbe
from victims.recipes.linear_probe import stages as probe_stages
from victims.recipes.spec import Stage, TrainingRecipe
from victims.settings import VictimSettings

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from attacks.engine.contrastive import Contrastive

STRENGTH = 1.0


class ContrastiveProbe(OwnTable):
    """The numbers of SimCLR.

    Attributes:
        steps, batch: optimiser steps, and images in one, of which each is seen twice.
        sgd: the optimiser; `warm_up` is in steps.
        temperature: that the similarities are divided by.
        hidden, projected: widths of the projector.
    """

    table: ClassVar[str] = "contrastive-probe"

    steps: Positive = 97_000
    batch: Annotated[int, Field(ge=2)] = 512
    sgd: CosineSgd = CosineSgd(lr=0.5, warm_up=970, last=0)
    temperature: Annotated[float, Field(gt=0)] = 0.5
    hidden: Positive = 2048
    projected: Positive = 128


def draw_simclr_view(
    augment: Augment, count: int, size: tuple[int, int], generator: "torch.Generator"
) -> "Contrastive":
    """Draw SimCLR's view of each image."""
    from attacks.engine.contrastive import draw_contrastive

    return draw_contrastive(STRENGTH, count, size, augment.size or size[0], generator)


def projected(victim: "nn.Module", own: ContrastiveProbe) -> "nn.Module":
    """Return what maps images (n, C, H, W) through a victim's features and a projector to (n, `own.projected`)."""
    from torch import nn

    class Features(nn.Module):
        """What a network hands to its head."""

        def __init__(self, network: Any) -> None:
            super().__init__()
            self.network = network

        def forward(self, images: "Tensor") -> "Tensor":
            found: Tensor = self.network.forward_head(self.network.forward_features(images), pre_logits=True)
            return found

    *before, network = victim.children()
    return nn.Sequential(
        *before,
        Features(network),
        nn.Linear(cast("Any", network).head_hidden_size, own.hidden),
        nn.BatchNorm1d(own.hidden),
        nn.ReLU(),
        nn.Linear(own.hidden, own.projected),
        nn.BatchNorm1d(own.projected),
    )


def nt_xent(projector: "nn.Module", images: "Tensor", labels: "Tensor", temperature: float) -> "Tensor":
    """Return SimCLR's loss of 2n images, the second n being other views of the first; labels are not looked at.

    Each view is to be told from the other 2n - 2 by its similarity to its own image's other view (equation 1).
    """
    import torch
    from torch.nn import functional

    del labels
    found = functional.normalize(projector(images).to(images.dtype), dim=1)
    similar = (found @ found.T / temperature).fill_diagonal_(-torch.inf)
    other = torch.arange(len(images), device=images.device).roll(len(images) // 2)
    return functional.cross_entropy(similar, other)


def stages(settings: VictimSettings) -> tuple[Stage, ...]:
    """Return SimCLR's training, and the probe of the network that it leaves."""
    own = ContrastiveProbe.of(settings)
    return (
        Stage(
            steps=own.steps,
            batch=own.batch,
            optimiser=own.sgd.plain,
            rate=lambda step: own.sgd.rate(step, own.steps),
            around=partial(projected, own=own),
            view=draw_simclr_view,
            views=2,
            loss=partial(nt_xent, temperature=own.temperature),
            attacked=False,
            evaluated=False,
        ),
        *probe_stages(settings),
    )


CHEN20 = Paper(
    key="chen2020simple",
    title="A Simple Framework for Contrastive Learning of Visual Representations",
    authors=("Ting Chen", "Simon Kornblith", "Mohammad Norouzi", "Geoffrey Hinton"),
    year=2020,
    venue="ICML 2020",
    identifier="arXiv:2002.05709",
    code="google-research/simclr",
)

CONTRASTIVE_PROBE = TrainingRecipe(
    name="contrastive-probe",
    title="SimCLR without labels, then a linear probe",
    paper=CHEN20,
    source="Chen et al., ICML 2020; evaluation of AUE, NeurIPS 2024, released code",
    stages=stages,
    reads=("network", "augment", "victim", ContrastiveProbe, LinearProbe),
)
