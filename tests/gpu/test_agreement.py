"""The same numbers as on the CPU, up to rounding; in fp64 rounding flips neither a ReLU nor a sign."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from attacks.core.captured import distance
from attacks.core.errors import StoppedError
from attacks.core.optimiser import Optimiser
from attacks.core.runtime import Runtime
from attacks.core.settings import Augment, Precision, Sgd, SignSteps
from attacks.core.state import State
from attacks.engine.frozen import FrozenNetwork, sign_agreement
from attacks.engine.pgd import ascend
from attacks.methods import method
from attacks.task import NoiseResult, Task
from victims.networks.build import build

MakeTask = Callable[..., Task]
MakeRuntime = Callable[[Precision], Runtime]
SameDraws = Callable[[], AbstractContextManager[Any]]

FAMILIES = ("resnet18-w8", "densenet121-w8", "mobilenetv3_small_050", "vgg11_bn")
LABELS = torch.arange(16) % 10
# largest distance, relative to the norm; largest share of entries whose sign rounding may flip
FAR: dict[Precision, float] = {"fp32": 1e-2, "fp64": 1e-9}
TIPPED: dict[Precision, float] = {"fp32": 0.02, "fp64": 0.0}
both = pytest.mark.parametrize("precision", FAR)


def network(name: str = "resnet18-w8", side: int = 32) -> nn.Module:
    return build(name, classes=10, channels=3, size=side, seed=0)


def pictures(runtime: Runtime, side: int = 32) -> Tensor:
    images = torch.randint(0, 256, (16, 3, side, side), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    return runtime.pixels(images.to(runtime.device))


def on_cpu(runtime: Runtime) -> Runtime:
    return replace(runtime, device=torch.device("cpu"))


def far(one: Tensor, other: Tensor) -> float:
    return distance([one.cpu()], [other.cpu()])


def frozen_on(runtime: Runtime, name: str) -> FrozenNetwork:
    """Return a frozen network whose BatchNorm statistics differ from their initial values."""
    placed = runtime.place(network(name))
    frozen = FrozenNetwork(placed, pictures(runtime)[:2], runtime)
    with torch.no_grad():
        for norm in placed.modules():
            if isinstance(norm, nn.BatchNorm2d):
                assert norm.running_mean is not None
                assert norm.running_var is not None
                norm.running_mean.copy_(torch.linspace(-0.1, 0.1, norm.num_features))
                norm.running_var.copy_(torch.linspace(0.5, 1.5, norm.num_features))
    frozen.refresh()
    return frozen


@both
@pytest.mark.parametrize("name", FAMILIES)
def test_frozen_passes(name: str, precision: Precision, runtime_of: MakeRuntime) -> None:
    here = runtime_of(precision)
    found, expected = (
        (frozen.logits(pictures(at)), frozen.gradient(pictures(at), LABELS.to(at.device)))
        for at in (here, on_cpu(here))
        for frozen in [frozen_on(at, name)]
    )
    # CUDA's hard swish has the constant 1/6 in fp32, in every precision
    limit = max(FAR[precision], 1e-6) if name.startswith("mobilenetv3") else FAR[precision]
    assert far(found[0], expected[0]) <= limit
    assert far(found[1], expected[1]) <= limit


@both
def test_attack(precision: Precision, runtime_of: MakeRuntime, same_draws: SameDraws) -> None:
    def attacked(at: Runtime) -> Tensor:
        frozen, generator = frozen_on(at, "resnet18-w8"), torch.Generator(at.device)
        steps = SignSteps(steps=5, step=0.3)
        images, labels = pictures(at), LABELS.to(at.device)
        with same_draws() as made:
            found = ascend(frozen, images, labels, radius=4, steps=steps, generator=generator)
        assert made.draws == 1
        return found.cpu()

    here = runtime_of(precision)
    off = (attacked(here) - attacked(on_cpu(here))).abs()
    assert (off > 1e-6).double().mean() <= TIPPED[precision]


@both
def test_updates(precision: Precision, runtime_of: MakeRuntime) -> None:
    """Three steps of the fused optimiser in train mode."""

    def learnt(at: Runtime) -> State:
        optimiser = Optimiser(at.place(network()), Sgd(lr=0.02, milestones=(1,)), at)
        losses = [optimiser.step(pictures(at), LABELS.to(at.device)) for _ in range(3)]
        return {**optimiser.state(), "losses": torch.stack(losses)}

    here = runtime_of(precision)
    assert_close(learnt(here), learnt(on_cpu(here)), FAR[precision])


def assert_close(found: State, expected: State, tolerance: float) -> None:
    """Compare all weights, statistics, momenta and losses at once."""
    assert found.keys() == expected.keys()
    floats = [name for name in sorted(found) if found[name].is_floating_point()]
    assert floats
    one, other = (torch.cat([state[name].double().cpu().flatten() for name in floats]) for state in (found, expected))
    assert far(one, other) <= tolerance
    assert all(torch.equal(found[name].cpu(), expected[name].cpu()) for name in set(found) - set(floats))


@both
@pytest.mark.parametrize("name", ["em-fu22", "rem-fu22", "sem-liu24"])
@pytest.mark.parametrize("augment", [Augment(padding=2), Augment(kind="resized-crop", size=6)], ids=["shift", "crop"])
def test_surrogate_step(
    name: str,
    precision: Precision,
    augment: Augment,
    task: MakeTask,
    cpu_task: MakeTask,
    same_draws: SameDraws,
    cut_after: Any,
) -> None:
    """One step from the same weights and draws leaves the same surrogate, which then makes the same noise."""

    def made(make: MakeTask) -> tuple[State, NoiseResult]:
        keeper = cut_after(1)
        given, again = (make(precision=precision, augment=augment, steps=1) for _ in range(2))
        with same_draws() as first, pytest.raises(StoppedError):
            method(name).recipe.make(replace(given, keeper=keeper))
        with same_draws() as both_phases:
            noise = method(name).recipe.make(again)
        assert both_phases.draws > first.draws > 2
        learner = {key: value for key, value in keeper.state.items() if key.startswith("learner/optimiser")}
        return learner, noise

    (found, noise), (expected, other) = made(task), made(cpu_task)
    assert_close(found, expected, FAR[precision])
    assert (noise.noise.cpu() != other.noise).double().mean() <= TIPPED[precision]
    assert noise.passes == other.passes
    assert noise.eager is None


def test_bf16_agrees_on_signs(runtime_of: MakeRuntime) -> None:
    runtime = runtime_of("bf16")
    placed = runtime.place(network())
    assert sign_agreement(placed, pictures(runtime), LABELS.to(runtime.device), runtime) > 90
