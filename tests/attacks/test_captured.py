import logging
import math
from collections.abc import Callable
from types import ModuleType

import pytest
import torch
from torch import Tensor

from attacks.core.optimiser import Optimiser
from attacks.core.runtime import Runtime
from attacks.core.settings import Sgd
from attacks.engine.captured import GRAPHS, Captured, Step
from attacks.engine.frozen import FrozenNetwork
from attacks.methods import method
from attacks.task import Task

CPU = Runtime(device=torch.device("cpu"), precision="fp32")


class Recorder:
    """Captures by taking the step as it is, off by no more than rounding, and notes for which arguments."""

    def __init__(self, fails_on: int = 0) -> None:
        self.sizes: list[int] = []
        self._fails_on = fails_on

    def __call__(self, step: Step, images: Tensor, labels: Tensor) -> Step:
        if len(images) == self._fails_on:
            raise RuntimeError("operation not permitted\nmore")
        self.sizes.append(len(images))
        return lambda images, labels: step(images, labels) + 1e-4


def run(captured: Captured, sizes: list[int]) -> list[bool]:
    """Tell of each call whether a graph made it."""
    return [bool((captured(torch.ones(size, 1, 2, 2), torch.zeros(size)) != 1).any()) for size in sizes]


def test_a_kind_is_captured_when_it_comes_again_and_only_so_many_are() -> None:
    record = Recorder()
    captured = Captured(lambda images, _labels: images, CPU, record)
    assert run(captured, [5, 3, 5, 3, 5]) == [False, False, True, True, True]
    assert run(captured, [7, 8, 9, 7, 8, 9, 9, 5]) == [False] * 3 + [True, True, False, False, True]
    assert record.sizes == [5, 3, 7, 8]
    assert len(record.sizes) == GRAPHS
    assert captured.seconds > 0
    assert captured.eager is None


def test_layout_type_and_target_are_of_the_kind() -> None:
    record = Recorder()
    captured = Captured(lambda images, _labels: images, CPU, record)
    images, labels = torch.ones(2, 3, 4, 4), torch.zeros(2, dtype=torch.int64)
    last = images.contiguous(memory_format=torch.channels_last)
    for given in ((images, labels), (last, labels), (images.double(), labels), (images, torch.zeros(2, 5))) * 2:
        captured(*given)
    assert len(record.sizes) == 4


def test_a_failed_capture_is_told_once_and_ends_them(caplog: pytest.LogCaptureFixture) -> None:
    captured = Captured(lambda images, _labels: images, CPU, Recorder(fails_on=3))
    with caplog.at_level(logging.WARNING):
        assert run(captured, [5, 5, 3, 3, 3, 4, 4, 5]) == [False, True] + [False] * 5 + [True]
    assert [record.message for record in caplog.records] == [
        "this network runs without CUDA graphs (slower, same result): operation not permitted"
    ]
    assert captured.eager == "operation not permitted"


def stale(step: Step, images: Tensor, labels: Tensor) -> Step:
    """Capture what never reads its arguments again."""
    kept = step(images, labels)
    return lambda _images, _labels: kept


def broken(step: Step, images: Tensor, labels: Tensor) -> Step:
    """Capture what fails when it is run."""

    def graph(_images: Tensor, _labels: Tensor) -> Tensor:
        raise RuntimeError("an illegal memory access\nmore")

    return graph


WRONG = {
    "a little more than rounding": lambda step, _images, _labels: lambda *given: step(*given) * 1.01,
    "stale": stale,
    "not a number": lambda step, _images, _labels: lambda *given: step(*given) * math.nan,
    "of another shape": lambda step, _images, _labels: lambda *given: step(*given)[:1],
    "broken": broken,
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_graph_that_gives_other_numbers_is_not_used(
    wrong: Callable[[Step, Tensor, Tensor], Step], caplog: pytest.LogCaptureFixture
) -> None:
    captured = Captured(lambda images, _labels: 2 * images, CPU, wrong)
    images, labels = torch.rand(5, 3, 4, 4), torch.arange(5)
    with caplog.at_level(logging.WARNING):
        for seen in (images, images + 1, images + 2):
            assert torch.equal(captured(seen, labels), 2 * seen)
    assert captured.eager
    assert [record.message for record in caplog.records] == [
        f"this network runs without CUDA graphs (slower, same result): {captured.eager}"
    ]
    assert len(captured.eager.splitlines()) == 1


def test_a_wrong_graph_takes_the_others_with_it() -> None:
    record = Recorder()

    def capture(step: Step, images: Tensor, labels: Tensor) -> Step:
        right = record(step, images, labels)
        return right if len(images) == 5 else lambda *given: -right(*given)

    captured = Captured(lambda images, _labels: images, CPU, capture)
    assert run(captured, [5, 5, 3, 3, 5, 4, 4]) == [False, True, False, False, False, False, False]
    assert record.sizes == [5, 3]
    assert captured.eager == "the graph differs from the ordinary step by 2, more than rounding explains"


@pytest.mark.parametrize("value", [0.0, math.nan, math.inf])
def test_a_step_that_gives_nothing_finite_may_be_captured(value: float) -> None:
    record = Recorder()
    captured = Captured(lambda images, _labels: images * 0 + value, CPU, lambda *given: record(*given) and given[0])
    for _ in range(3):
        assert torch.equal(
            captured(torch.ones(5, 2), torch.arange(5)).nan_to_num(), torch.full((5, 2), value).nan_to_num()
        )
    assert captured.eager is None
    assert record.sizes == [5]


def test_who_makes_a_noise_says_that_it_went_without_graphs(
    task: Callable[..., Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    def capture_wrongly(step: Step, runtime: Runtime, _capture: object) -> Captured:
        return Captured(step, runtime, lambda step, _images, _labels: lambda *given: -step(*given))

    plain = method("sem").recipe.make(task())
    monkeypatch.setattr("attacks.engine.frozen.Captured", capture_wrongly)
    made = method("sem").recipe.make(task())
    assert plain.eager is None
    assert made.eager == "the graph differs from the ordinary step by 2, more than rounding explains"
    assert torch.equal(made.noise, plain.noise)


def test_weights_stay_where_graphs_read_them(literal: ModuleType) -> None:
    network = literal.tiny(4, seed=0)
    frozen = FrozenNetwork(network, torch.rand(2, 3, 8, 8), CPU)
    places = {name: tensor.data_ptr() for name, tensor in frozen._twin.state_dict().items()}
    Optimiser(network, Sgd(), CPU).step(torch.rand(4, 3, 8, 8), torch.arange(4))
    frozen.refresh()
    assert {name: tensor.data_ptr() for name, tensor in frozen._twin.state_dict().items()} == places
    assert frozen.warm_up == 0
