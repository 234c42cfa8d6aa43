"""SimCLR, then a linear probe: a network learns from protected images without labels, then a head with labels.

Chen et al., ICML 2020, with the hyperparameters of AUE's evaluation (NeurIPS 2024, arXiv 2402.04010, code EhanW/AUE-AAP
at 64fb25f): a projector with one hidden layer of 2,048 units maps the features to 128 dimensions, with BatchNorm after
both layers; NT-Xent loss at temperature 0.5 between two views of each of 512 images; 1,000 epochs of SGD, with a
learning rate that rises to 0.5 in 10 epochs and then falls along half a cosine. Then the linear probe of
`linear-probe`; with a radius above 0, the probe alone learns from attacked images.

Differences: the learning rate changes at every step and ends at 0 (there 1e-6); crops cover at least 10% of the image
instead of 8%; incomplete batches are dropped (97,000 steps, there 98,000); images are normalised; initial weights are
as in `aue-wang24`. Views are drawn on floats, resized with aligned corners and with one order of colour changes per
batch; there torchvision draws them on PIL images, resized without aligned corners, with an order per image and rounded
to 8 bits.
"""

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, cast

from pydantic import Field

from attacks.core.errors import RequestError
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
        steps, batch: optimiser steps, and images per step, each seen in two views.
        sgd: the optimiser; `warm_up` is in steps.
        temperature: the number that similarities are divided by.
        hidden, projected: widths of the projector's hidden layer and output.
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
    """Return a module that maps images (n, C, H, W) to (n, `own.projected`): a victim's features, then a projector.

    Raises:
        RequestError: for a network that does not give its features.
    """
    from torch import nn

    class Features(nn.Module):
        """The features that a network passes to its head."""

        def __init__(self, network: Any) -> None:
            super().__init__()
            self.network = network

        def forward(self, images: "Tensor") -> "Tensor":
            found: Tensor = self.network.forward_head(self.network.forward_features(images), pre_logits=True)
            return found

    *before, network = victim.children()
    for name in ("forward_features", "forward_head", "head_hidden_size"):
        if not hasattr(network, name):
            raise RequestError(
                f"{type(network).__name__} has no {name}, as timm's networks do, for contrastive-probe; give it one"
            )
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
    """Return SimCLR's loss on 2n images, the last n being second views of the first n; labels are ignored.

    Each view should be more similar to the other view of its image than to the remaining 2n - 2 (equation 1).
    """
    import torch
    from torch.nn import functional

    del labels
    found = functional.normalize(projector(images).to(images.dtype), dim=1)
    with torch.autocast(images.device.type, enabled=False):  # which would multiply in bf16
        similar = (found @ found.T / temperature).fill_diagonal_(-torch.inf)
    other = torch.arange(len(images), device=images.device).roll(len(images) // 2)
    return functional.cross_entropy(similar, other)


def stages(settings: VictimSettings) -> tuple[Stage, ...]:
    """Return the SimCLR stage, and the linear-probe stage on the resulting network."""
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
    version=2,  # before, similarities were computed in bf16 where the network was
    stages=stages,
    reads=("network", "augment", "victim", ContrastiveProbe, LinearProbe),
)
