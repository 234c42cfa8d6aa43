"""Work is compared with the machine's peak at that moment, not at another."""

from dataclasses import replace

import pytest
import torch

from attacks.core.runtime import Runtime
from bench.profile import measure
from bench.profile.measure import Limits, Machine


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(measure, "_SIDES", {"cpu": 64})
    monkeypatch.setattr(measure, "_BYTES", {"cpu": 2**12})
    return Machine(Runtime(device=torch.device("cpu"), precision="fp32"))


def test_the_limit_is_looked_at_before_each_round(machine: Machine) -> None:
    order: list[str] = []
    look = machine.look

    def looked() -> Limits:
        order.append("limit")
        return look()

    machine.look = looked  # type: ignore[method-assign]
    rounds = machine.beside(lambda: order.append("work"), budget=0)
    assert order == ["limit", "work"] * 2
    assert all(seconds > 0 and limits.flops > 0 and limits.bandwidth > 0 for seconds, limits in rounds)
    assert machine.best.flops == max(limits.flops for _, limits in rounds)
    assert machine.best.bandwidth == max(limits.bandwidth for _, limits in rounds)


@pytest.mark.usefixtures("machine")
def test_the_limit_of_emulated_bf16_is_that_of_fp32() -> None:
    plain = Runtime(device=torch.device("cpu"), precision="bf16")
    assert Machine(plain)._one.dtype == torch.bfloat16
    assert Machine(replace(plain, emulated=True))._one.dtype == torch.float32


def test_a_limit_is_that_of_arithmetic_or_of_memory() -> None:
    limits = Limits(flops=100.0, bandwidth=10.0)
    assert (limits.at(2.0), limits.at(50.0)) == (20.0, 100.0)
