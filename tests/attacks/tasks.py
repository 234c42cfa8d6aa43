"""A tiny set of images, and tasks to make noise for it."""

from collections.abc import Callable
from types import ModuleType

import torch
from torch import nn

from attacks.core.runtime import Runtime
from attacks.core.settings import Alternating, Augment, NoiseSettings, Precision, Sgd, SignSteps, Targeted
from attacks.core.state import NullKeeper
from attacks.task import Task

CLASSES = 3
MakeTask = Callable[..., Task]
SIGNS = {"steps": 3, "step": 0.3}
RATES = {"lr": 0.3, "weight_decay": 0.05, "warm_up": 1, "last": 0.1}


def numbers(**changes: object) -> NoiseSettings:
    """Return small settings whose surrogate changes visibly from step to step."""
    given: dict[str, object] = {
        "rho_u": 8,
        "rho_a": 6,
        "steps": 3,
        "batch": 5,
        "views": 2,
        "descent": SignSteps(steps=3, step=0.3),
        "ascent": SignSteps(steps=2, step=0.7),
        "surrogate": "tiny",
        "sgd": Sgd(lr=0.5, momentum=0.9, weight_decay=0.05, milestones=(2,), gamma=0.5),
        "alternating": Alternating(
            batch=5,
            updates=2,
            descent=SignSteps(steps=3, step=0.3),
            class_descent=SignSteps(steps=2, step=0.4),
            class_share=0.7,
            train_error=0,  # never met, so that all rounds are run
            rounds=2,
        ),
        "pil": {"epochs": 3, "batch": 5, "sgd": {"lr": 0.5, "weight_decay": 0.05, "last": 0.1}, "descent": SIGNS},
        "aue": {"epochs": 2, "batch": 5, "sgd": RATES, "descent": SIGNS, "class_descent": SIGNS, "strength": 0.9},
        "aap": {"epochs": 3, "batch": 5, "sgd": RATES, "descent": SIGNS, "strength": 0.9},
        "mi-ue": {
            "rounds": 3,
            "batch": 7,
            "descent": {"steps": 2, "step": 0.2},
            "last_step": 0.5,
            "sgd": {"lr": 0.5, "last": 0.1},
        },
        "entf": {
            "pretraining": 3,
            "sgd": {"lr": 0.3, "milestones": [2]},
            "attack": {"steps": 2, "step": 0.7},
            "descent": {"steps": 3, "step": 0.4},
        },
        "sep": {
            "pretraining": 3,
            "sgd": {"lr": 0.3, "milestones": [2]},
            "checkpoints": 2,
            "descent": {"steps": 3, "step": 0.4},
        },
        "dune": {
            "pretraining": 3,
            "sgd": {"lr": 0.3},
            "checkpoints": 2,
            "descent": {"steps": 2, "step": 0.6},
            "colour": {"particles": 3, "rounds": 3, "share": 0.5},
        },
        "bait": {"rounds": 3, "batch": 5, "sgd": {"lr": 0.5, "weight_decay": 0.05}, "lr": 0.3, "width": 2, "blocks": 1},
        "gue": {
            "epochs": 2,
            "batch": 5,
            "updates": 3,
            "ahead_lr": 0.05,
            "surrogate_lr": 0.3,
            "generator_lr": 1,
            "width": 4,
        },
        "targeted": Targeted(pretraining=3, sgd=Sgd(lr=0.3, milestones=(2,)), descent=SignSteps(steps=3, step=0.4)),
    }
    return NoiseSettings.model_validate(given | changes)


def maker(literal: ModuleType, device: str) -> MakeTask:
    """Return a function that makes tasks on a device; images and weights are the same on every device."""

    def make(
        *,
        precision: Precision = "fp32",
        seed: int = 0,
        network: nn.Module | None = None,
        count: int = 12,
        chunk: int = 7,
        saturated: bool = False,
        augment: Augment = Augment(padding=2),  # noqa: B008  # frozen
        **changes: object,
    ) -> Task:
        images = torch.randint(0, 256, (count, 3, 8, 8), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
        if saturated:  # a third of the pixels at 0 or 255
            images[images < 43] = 0
            images[images > 212] = 255
        return Task(
            images=images.to(device),
            labels=(torch.arange(count) % CLASSES).to(device),
            classes=CLASSES,
            dataset="0" * 64,
            settings=numbers(**changes),
            augment=augment,
            network=lambda **_own: literal.tiny(CLASSES, seed=2) if network is None else network,
            generator=torch.Generator(device).manual_seed(seed),
            runtime=Runtime(device=torch.device(device), precision=precision, chunk=chunk),
            report=lambda _done, _all: None,
            keeper=NullKeeper(),
        )

    return make
