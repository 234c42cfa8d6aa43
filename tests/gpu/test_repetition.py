"""The same request twice gives the same bits, and a graph repeats the plain step."""

from collections.abc import Callable
from types import ModuleType

import pytest
import torch
from torch import Tensor

from attacks.core.captured import ROUNDING, distance
from attacks.core.optimiser import Optimiser
from attacks.core.runtime import Runtime
from attacks.core.settings import Precision, Sgd
from attacks.core.state import State
from attacks.engine.frozen import FrozenNetwork
from attacks.methods import method
from attacks.task import Task
from victims.networks.build import build

MakeRuntime = Callable[[Precision], Runtime]
BOTH: tuple[Precision, ...] = ("fp32", "bf16")
TIPPED: dict[Precision, float] = {"fp32": 0.01, "bf16": 0.05}  # share of signs that rounding may flip
both = pytest.mark.parametrize("precision", BOTH)


def batch(runtime: Runtime, count: int, side: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, 3, side, side), dtype=torch.uint8, generator=generator)
    return runtime.pixels(images.to(runtime.device)), (torch.arange(count) % 10).to(runtime.device)


@both
@pytest.mark.parametrize(
    ("name", "side"),  # the papers' size, larger, and resized; the third and fourth have max-pooling, once overlapping
    [
        ("resnet18-w8", 32),
        ("densenet121-w8", 32),
        ("vgg11_bn", 32),
        ("resnet18-w8", 96),
        ("tf_efficientnet_lite0.in1k", 32),
    ],
)
def test_gradients_and_updates_repeat(name: str, side: int, precision: Precision, runtime_of: MakeRuntime) -> None:
    runtime = runtime_of(precision)
    images, labels = batch(runtime, 8, side)

    def once() -> tuple[Tensor, State]:
        network = runtime.place(build(name, classes=10, channels=3, size=side, side=48, seed=0))
        frozen, optimiser = FrozenNetwork(network, images[:2], runtime), Optimiser(network, Sgd(lr=0.02), runtime)
        for _ in range(3):
            torch.manual_seed(1)  # for dropout
            optimiser.step(images, labels)
            frozen.refresh()
            gradient = frozen.gradient(images, labels)  # plain first, then captured
        assert frozen.eager is None
        assert optimiser.eager is None
        return gradient, optimiser.state()

    (one, state), (other, again) = once(), once()
    assert torch.equal(one, other)
    assert all(torch.equal(state[name], again[name]) for name in state)


@both
def test_graphs_repeat_the_plain_call(
    precision: Precision, literal: ModuleType, runtime_of: MakeRuntime, is_real: bool
) -> None:
    runtime = Runtime(device=runtime_of(precision).device, precision=precision, chunk=8)
    network = runtime.place(literal.tiny(10, seed=0))
    images, labels = batch(runtime, 20, 8)  # in parts of 8, 8 and 4
    soft = torch.rand(20, 10, generator=torch.Generator().manual_seed(0)).softmax(1).to(runtime.device)
    frozen = FrozenNetwork(network, images[:2], runtime)
    for _ in range(2):
        for target in (labels, soft):
            frozen.gradient(images, target)  # both shapes of both kinds are captured when they recur
            parts = zip(images.split(8), target.split(8), strict=True)
            plain = torch.cat([frozen._slope._step(*part)[0] for part in parts])
            assert distance([frozen.gradient(images, target)], [plain]) <= ROUNDING[precision] / 5
        Optimiser(network, Sgd(lr=0.5), runtime).step(images, labels)
        frozen.refresh()
    assert frozen.eager is None
    assert len(frozen._slope._graphs) == (4 if is_real else 0)
    assert (frozen.warm_up > 0) is is_real
    if is_real:
        before = torch.cuda.memory_allocated()
        for _ in range(100):
            frozen.gradient(images, labels)
        assert torch.cuda.memory_allocated() == before


@both
@pytest.mark.parametrize("name", ["em-fu22", "rem-fu22", "sem-liu24"])
def test_noise_is_the_same_without_graphs(
    name: str, precision: Precision, task: Callable[..., Task], monkeypatch: pytest.MonkeyPatch, is_real: bool
) -> None:
    def refuse(*_given: object) -> None:
        raise RuntimeError("no graphs here")

    recipe = method(name).recipe
    usual = recipe.make(task(precision=precision))
    monkeypatch.setattr("attacks.core.captured.Capture.__call__", refuse)
    without = recipe.make(task(precision=precision))
    assert usual.eager is None
    assert without.eager == ("no graphs here" if is_real else None)
    assert (usual.noise != without.noise).double().mean() <= TIPPED[precision]
