"""Our side of a comparison: a task with the same images, labels, network and numbers as the authors' code."""

from collections.abc import Callable
from typing import Any

import torch
from common import CLASSES, Draws, Found, Replayed, images, labels, small, state
from torch import Tensor, nn

from attacks.core.runtime import Runtime
from attacks.core.settings import Alternating, Augment, NoiseSettings, Section, Sgd, SignSteps, Targeted
from attacks.core.state import NullKeeper
from attacks.methods import METHODS
from attacks.task import Task
from victims.countermeasures.spec import Preparation

torch.set_num_threads(1)  # as on the other side

SGD = Sgd(lr=0.1, momentum=0.9, weight_decay=5e-4)
TEN = SignSteps(steps=10, step=0.2)
NUMBERS = NoiseSettings(
    rho_u=8,
    rho_a=4,
    steps=2,
    batch=len(labels()),
    views=5,
    descent=TEN,
    ascent=TEN,
    surrogate="small",
    sgd=SGD,
    alternating=Alternating(batch=len(labels()), updates=2, class_share=1, rounds=1, train_error=0),
    # no pretraining: both sides are given the network
    targeted=Targeted.model_construct(pretraining=0, sgd=SGD, descent=SignSteps(steps=25, step=0.08)),
)


def pixels(kind: str) -> Tensor:
    """Return the images, uint8 (N, C, H, W)."""
    return torch.from_numpy(images(kind)).permute(0, 3, 1, 2).contiguous()


def network() -> nn.Module:
    """Build the small network behind the normalisation of our networks."""
    from victims.networks.build import Normalise

    return nn.Sequential(Normalise(0.5, 1), small())


def task(kind: str, built: nn.Module, **changes: Any) -> Task:
    """Return a task in fp64."""
    return Task(
        images=pixels(kind),
        labels=torch.from_numpy(labels()),
        classes=CLASSES,
        dataset="0" * 64,
        settings=NUMBERS.model_copy(update=changes),
        augment=Augment(),
        network=lambda **_own: built,
        generator=torch.Generator(),
        runtime=Runtime(device=torch.device("cpu"), precision="fp64"),
        report=lambda _done, _all: None,
        keeper=NullKeeper(),
    )


def preparation(kind: str) -> Preparation:
    """Return the input of a countermeasure that learns nothing, in fp64."""
    return Preparation(
        images=pixels(kind),
        labels=torch.from_numpy(labels()),
        test=pixels(kind),
        pairs=None,
        classes=CLASSES,
        settings=Section(),
        network=lambda _name: network(),
        generator=torch.Generator(),
        runtime=Runtime(device=torch.device("cpu"), precision="fp64"),
        report=lambda _done, _all: None,
        keeper=NullKeeper(),
    )


def method(name: str, *, weights: bool = True, **changes: Any) -> Callable[[str], Found]:
    """Return a function that runs a method and returns its noise, in 1/255, and the surrogate's weights."""

    def run(kind: str) -> Found:
        built = network()
        with Replayed(Draws()):
            made = METHODS[name].recipe.make(task(kind, built, **changes))
        return {"noise": made.noise.numpy(), **(state(built) if weights else {})}

    return run
