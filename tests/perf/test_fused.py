"""Fused convolutions against the plain twin: rounds of the two alternate, since the machine's speed varies."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch.utils._python_dispatch import TorchDispatchMode

from attacks.core.runtime import Runtime
from attacks.engine.frozen import FrozenNetwork
from attacks.engine.surrogate import Loop
from bench.config.load import load_protocol
from bench.config.models import Setup

Batch = tuple[torch.Tensor, torch.Tensor]
Build = Callable[[str], torch.nn.Module]
Measure = Callable[..., None]
NETWORKS = ("resnet18", "resnet18-w8")
ROUNDS = 10


class Pairs:
    """Times two actions in alternation."""

    def __init__(self, plain: Callable[[], object], fused: Callable[[], object]) -> None:
        self._actions = plain, fused
        self.ratios: list[float] = []

    def __call__(self) -> None:
        """Run both, and record how many times faster the second was."""
        spent = []
        for action in self._actions:
            start = time.perf_counter()
            action()
            spent.append(time.perf_counter() - start)
        self.ratios.append(spent[0] / spent[1])


class Calls(TorchDispatchMode):
    """Counts the calls of operators that compute or move something."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.count: int = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += not func.is_view
        return func(*args, **(kwargs or {}))


def calls_of(action: Callable[[], object]) -> int:
    calls = Calls()
    with calls:
        action()
    return calls.count


def compare(measure: Measure, benchmark: BenchmarkFixture, pairs: Pairs, work: str, network: str) -> None:
    pairs()  # warms up
    pairs.ratios.clear()
    measure(pairs, rounds=ROUNDS, warm_up=0, role="paired", work=work, network=network)
    benchmark.extra_info["ratios"] = pairs.ratios


@pytest.fixture
def both(runtime: Runtime) -> tuple[Runtime, Runtime]:
    if not runtime.fused:
        pytest.skip("networks are plain on this machine")
    return replace(runtime, fused=False), runtime


@pytest.mark.parametrize("name", NETWORKS)
def test_frozen_passes(
    measure: Measure,
    benchmark: BenchmarkFixture,
    name: str,
    network: Build,
    both: tuple[Runtime, Runtime],
    batch: Batch,
) -> None:
    images, labels = both[0].pixels(batch[0]), batch[1]
    plain, fused = (FrozenNetwork(at.place(network(name)), images[:2], at) for at in both)
    actions = (lambda: plain.gradient(images, labels), lambda: fused.gradient(images, labels))
    compare(measure, benchmark, Pairs(*actions), "frozen passes", name)
    benchmark.extra_info["calls"] = [calls_of(action) for action in actions]


@pytest.mark.parametrize("wanted", ["sem-liu24", "rem-fu22"])
def test_step_of_the_lite_protocol(
    measure: Measure,
    benchmark: BenchmarkFixture,
    wanted: str,
    both: tuple[Runtime, Runtime],
    batch: Batch,
    loop: Callable[..., Loop],
) -> None:
    setup: Setup = load_protocol("lite-v1").setup
    index = torch.arange(len(batch[0]))
    plain, fused = (loop(wanted, "resnet18-w8", setup.noise, at) for at in both)
    compare(
        measure,
        benchmark,
        Pairs(lambda: plain._step(index), lambda: fused._step(index)),
        f"{wanted} step",
        "resnet18-w8",
    )
