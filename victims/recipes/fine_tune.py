"""Fine-tuning: a victim with pretrained weights is trained further, in all of its layers or some of them.

The hyperparameters are those of BAIT's evaluation (ICLR 2026, arXiv 2603.04731, code zhli-cs/BAIT at e81c9c4) for
CIFAR-10: 60 epochs of SGD with a learning rate of 0.001 that falls along half a cosine, gradients clipped to a norm of
5, a new head. Not followed: for CIFAR-100 it has 100 epochs, weight decay 5e-5 and rotations by up to 20 degrees, for
SVHN 30 epochs and no random views. Differences: the rate falls at every step, not every epoch; frozen layers stay in
eval mode, so that their outputs are those of the pretrained weights; images are normalised as the weights expect. There
are three forms, since papers do not say which layers learn: all, the later half of the stages, or the head alone.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from attacks.core.cost import Passes
from attacks.core.errors import RequestError
from attacks.core.numbers import CosineSgd
from attacks.core.settings import OwnTable, Positive
from attacks.methods.bait_li26 import LI26
from victims.networks.weights.spec import classifiers
from victims.recipes.spec import Stage, TrainingRecipe
from victims.settings import VictimSettings

if TYPE_CHECKING:
    from torch import nn


class FineTune(OwnTable):
    """The numbers of fine-tuning.

    Attributes:
        steps, batch: optimiser steps, and images per step.
        sgd: the optimiser.
        largest_gradient: the norm that the gradient of all weights is clipped to.
        frozen: share of the network's stages, counted from the stem, that `fine-tune-late` freezes.
    """

    table: ClassVar[str] = "fine-tune"

    steps: Positive = 23_400
    batch: Positive = 128
    sgd: CosineSgd = CosineSgd(lr=0.001, weight_decay=5e-4, last=0)
    largest_gradient: Annotated[float, Field(gt=0)] = 5.0
    frozen: Annotated[float, Field(gt=0, lt=1)] = 0.5


def head(victim: Any) -> "Iterable[nn.Module]":
    """Return a victim's classifier, or both of a network that has two."""
    return classifiers(victim.network)


def late(victim: Any, frozen: float) -> "Iterable[nn.Module]":
    """Return the parts of a victim that belong wholly to its later stages, in timm's coarse grouping.

    They include its classifier. A parameter of the network itself, such as a position embedding, stays frozen.

    Args:
        victim: the victim.
        frozen: share of the stages to leave out.

    Raises:
        RequestError: for a network that does not define its stages.
    """
    from timm.models import group_parameters

    network = victim.network
    if not hasattr(network, "group_matcher"):
        raise RequestError(f"fine-tune-late does not know the stages of {type(network).__name__}; use fine-tune")
    stages = group_parameters(network, network.group_matcher(coarse=True))
    first = min(round(frozen * len(stages)), len(stages) - 1)  # at least the classifier learns
    later = {name for stage in sorted(stages)[first:] for name in stages[stage]}
    found = []
    for path, module in network.named_modules():
        names = {name for name, _ in module.named_parameters(prefix=path)}
        if names and names <= later:
            found.append(module)
    return found


def _stages(settings: VictimSettings, change: "Callable[[FineTune, Stage], Stage]") -> tuple[Stage, ...]:
    own = FineTune.of(settings)
    stage = Stage(
        steps=own.steps,
        batch=own.batch,
        optimiser=own.sgd.plain,
        rate=lambda step: own.sgd.rate(step, own.steps),
        largest_gradient=own.largest_gradient,
    )
    return (change(own, stage),)


def _recipe(name: str, title: str, change: "Callable[[FineTune, Stage], Stage]") -> TrainingRecipe:
    return TrainingRecipe(
        name=name,
        title=title,
        paper=LI26,
        source="evaluation of BAIT, ICLR 2026, released code",
        stages=partial(_stages, change=change),
        reads=("network", "augment", "victim", FineTune),
        pretrained=True,
    )


FINE_TUNE = _recipe("fine-tune", "from pretrained weights, all layers learn", lambda _, stage: stage)
FINE_TUNE_LATE = _recipe(
    "fine-tune-late",
    "from pretrained weights, the first stages frozen",
    lambda own, stage: replace(stage, parts=partial(late, frozen=own.frozen)),
)
FINE_TUNE_HEAD = _recipe(
    "fine-tune-head",
    "from pretrained weights, a new head learns on a frozen network",
    lambda _, stage: replace(stage, parts=head, cost=Passes(forward=1)),
)
