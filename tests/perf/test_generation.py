"""One surrogate step of a method, against the bare passes of the same network and against the plain loop.

Every benchmark notes the image-passes of a round in `extra_info`, so that rates can be compared.
"""

from types import ModuleType

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from attacks.frozen import FrozenNetwork
from attacks.methods import method
from attacks.runtime import Runtime
from attacks.settings import Augment, NoiseSettings
from attacks.spec import Task
from attacks.state import Forgetful
from attacks.surrogate import Loop
from victims.network import build

Batch = tuple[torch.Tensor, torch.Tensor]
NETWORKS = ("resnet18", "resnet18-w16")
METHODS = ("sem-liu24", "rem-fu22")
ROUNDS = {"rounds": 3, "iterations": 1, "warmup_rounds": 1}


def network(name: str) -> torch.nn.Module:
    return build(name, classes=10, channels=3, size=32, seed=0)


def step_passes(name: str, settings: NoiseSettings, count: int) -> int:
    """Return the image-passes of one step, the final pass left out."""
    passes = method(name).recipe.passes(settings, count)
    final = method(name).recipe.passes(settings.model_copy(update={"steps": 1, "batch": 1}), count)
    one = method(name).recipe.passes(settings.model_copy(update={"steps": 1, "batch": 1}), 0)
    return passes.attack - (final.attack - one.attack) + passes.train


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("wanted", METHODS)
def test_step(
    benchmark: BenchmarkFixture, wanted: str, name: str, settings: NoiseSettings, runtime: Runtime, batch: Batch
) -> None:
    benchmark.group = f"{wanted} {name}"
    images, labels = batch
    task = Task(
        images=images,
        labels=labels,
        classes=10,
        settings=settings,
        augment=Augment(),
        network=lambda: network(name),
        generator=torch.Generator(runtime.device).manual_seed(0),
        runtime=runtime,
        report=lambda _done, _all: None,
        keeper=Forgetful(),
    )
    recipe = method(wanted).recipe
    loop = Loop(recipe, task)  # type: ignore[arg-type]
    index = torch.arange(len(images), device=runtime.device)

    def step() -> None:
        loop._step(index)
        runtime.synchronise()

    benchmark.extra_info["image_passes"] = step_passes(wanted, settings, len(images))
    benchmark.pedantic(step, **ROUNDS)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("wanted", METHODS)
def test_plain_loop(
    benchmark: BenchmarkFixture, wanted: str, name: str, settings: NoiseSettings, naive: ModuleType, batch: Batch
) -> None:
    benchmark.group = f"{wanted} {name}"
    images, labels = batch[0].float() / 255, batch[1]
    plain = network(name).to(images.device)
    optimiser = torch.optim.SGD(plain.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    benchmark.extra_info["image_passes"] = step_passes(wanted, settings, len(images))
    benchmark.pedantic(
        lambda: naive.generation_step(plain, optimiser, images, labels, settings, wanted),
        rounds=1,
        iterations=1,
        warmup_rounds=0,
    )


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("wanted", METHODS)
def test_bare_passes(
    benchmark: BenchmarkFixture, wanted: str, name: str, settings: NoiseSettings, runtime: Runtime, batch: Batch
) -> None:
    """The frozen passes alone, as many as the method's step makes."""
    benchmark.group = f"{wanted} {name}"
    images, labels = runtime.pixels(batch[0]), batch[1]
    frozen = FrozenNetwork(runtime.place(network(name)), images[:2], runtime)
    rounds = step_passes(wanted, settings, len(images)) // len(images)

    def passes() -> None:
        for _ in range(rounds):
            frozen.gradient(images, labels)
        runtime.synchronise()

    benchmark.extra_info["image_passes"] = rounds * len(images)
    benchmark.pedantic(passes, **ROUNDS)
