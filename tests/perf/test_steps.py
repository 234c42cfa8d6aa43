"""Steps of the methods and of the victims, against bare passes of the same network and the plain loop.

All are `paper-v1`'s with a smaller M, and for REM also a smaller K, since a step with its ten sign steps takes minutes;
each sign step costs the same. The plain loop's rate does not depend on K: one sign step with two attack steps is timed.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import torch

from attacks.core.optimiser import Optimiser
from attacks.core.runtime import Runtime
from attacks.core.settings import NoiseSettings, SignSteps
from attacks.core.state import NullKeeper
from attacks.engine.frozen import FrozenNetwork
from attacks.engine.surrogate import Loop
from attacks.methods import method
from attacks.recipes.surrogate_loop import SurrogateLoop
from bench.config.models import Setup
from bench.profile.step import passes_of
from victims.countermeasures import countermeasure
from victims.recipes import training
from victims.train import LabelledImages, Training, _Run

Batch = tuple[torch.Tensor, torch.Tensor]
Build = Callable[[str], torch.nn.Module]
Measure = Callable[..., None]
NETWORKS = ("resnet18", "resnet18-w16")
STEPS = {"em-fu22": 10, "sem-liu24": 10, "rem-fu22": 1}  # K
ROUNDS = {"resnet18": 3, "resnet18-w16": 5}

pytestmark = pytest.mark.parametrize("name", NETWORKS)


def quiet(_done: int, _all: int) -> None:
    """Report to nobody."""


def loop_of(name: str) -> SurrogateLoop:
    recipe = method(name).recipe
    assert isinstance(recipe, SurrogateLoop)
    return recipe


def shortened(settings: NoiseSettings, steps: int, inner: int | None = None) -> NoiseSettings:
    ascent = SignSteps(steps=inner or settings.ascent.steps, step=settings.ascent.step)
    descent = SignSteps(steps=steps, step=settings.descent.step)
    return settings.model_copy(update={"steps": 1, "descent": descent, "ascent": ascent})


def count(loop: SurrogateLoop, settings: NoiseSettings) -> int:
    passes = passes_of(loop, settings)
    return passes.attack + passes.train


@pytest.mark.parametrize("wanted", STEPS)
def test_step(
    measure: Measure,
    wanted: str,
    name: str,
    setup: Setup,
    runtime: Runtime,
    batch: Batch,
    loop: Callable[..., Loop],
) -> None:
    settings = shortened(setup.noise, STEPS[wanted])
    made = loop(wanted, name, settings, runtime)
    index = torch.arange(len(batch[0]), device=runtime.device)
    passes = count(loop_of(wanted), settings)
    measure(lambda: made._step(index), rounds=ROUNDS[name], image_passes=passes, role="step", work=wanted, network=name)


@pytest.mark.plain
@pytest.mark.parametrize("wanted", ["sem-liu24", "rem-fu22"])
def test_plain_step(
    measure: Measure, wanted: str, name: str, setup: Setup, network: Build, naive: ModuleType, batch: Batch
) -> None:
    images, labels = batch[0].float() / 255, batch[1]
    settings = shortened(setup.noise, 1, inner=2)
    plain = network(name).to(images.device)
    optimiser = torch.optim.SGD(plain.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    measure(
        lambda: naive.generation_step(plain, optimiser, images, labels, settings, wanted),
        rounds=3,
        warm_up=0,
        image_passes=count(loop_of(wanted), settings),
        role="plain",
        work=wanted,
        network=name,
    )


def test_bare_frozen_passes(measure: Measure, name: str, network: Build, runtime: Runtime, batch: Batch) -> None:
    images, labels = runtime.pixels(batch[0]), batch[1]
    frozen = FrozenNetwork(runtime.place(network(name)), images[:2], runtime)
    many = max(1, runtime.chunk // len(images))
    stacked, targets = images.repeat(many, 1, 1, 1), labels.repeat(many)
    measure(
        lambda: frozen.gradient(stacked, targets), rounds=10, image_passes=len(stacked), role="frozen", network=name
    )


def test_bare_training_passes(
    measure: Measure, name: str, setup: Setup, network: Build, runtime: Runtime, batch: Batch
) -> None:
    images, labels = runtime.pixels(batch[0]), batch[1]
    optimiser = Optimiser(runtime.place(network(name)), setup.victim.sgd, runtime)
    measure(lambda: optimiser.step(images, labels), rounds=10, image_passes=len(images), role="training", network=name)


@pytest.mark.parametrize("rho_a", [0, 4])
def test_victim_step(
    measure: Measure, rho_a: int, name: str, setup: Setup, network: Build, runtime: Runtime, batch: Batch
) -> None:
    images = LabelledImages(images=batch[0], labels=batch[1])
    settings = setup.victim.model_copy(update={"batch": len(batch[0])})
    given: dict[str, Any] = {"train": images, "test": images, "settings": settings, "augment": setup.augment}
    run = _Run(
        Training(
            network=network(name),
            classes=10,
            rho_a=rho_a,
            recipe=training("supervised"),
            countermeasure=countermeasure("standard"),
            generator=torch.Generator(runtime.device).manual_seed(0),
            runtime=runtime,
            report=quiet,
            keeper=NullKeeper(),
            **given,
        )
    )
    attack = len(batch[0]) * settings.attack.steps if rho_a else 0
    measure(
        lambda: run._train_until(run._done + 1),
        rounds=2 * ROUNDS[name],
        image_passes=attack + len(batch[0]),
        role="victim",
        work=f"training at rho_a {rho_a}",
        network=name,
        attack_passes=attack,
    )
