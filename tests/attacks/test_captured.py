import gc
import logging
import math
import weakref
from collections.abc import Callable, Iterable
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from attacks.core.captured import GRAPHS, Captured, Step
from attacks.core.optimiser import Optimiser
from attacks.core.runtime import Runtime
from attacks.core.settings import Sgd
from attacks.engine.frozen import FrozenNetwork
from attacks.methods import method
from attacks.task import Task

Changed = Callable[[], Iterable[Tensor]]
CPU = Runtime(device=torch.device("cpu"), precision="fp32")


class Recorder:
    """A fake capture that returns the step itself, off by no more than rounding, and records the batch sizes."""

    def __init__(self, fails_on: int = 0) -> None:
        self.sizes: list[int] = []
        self._fails_on = fails_on

    def __call__(self, step: Step, images: Tensor, labels: Tensor) -> Step:
        if len(images) == self._fails_on:
            raise RuntimeError("operation not permitted\nmore")
        self.sizes.append(len(images))
        return lambda images, labels: tuple(part + 1e-4 for part in step(images, labels))


def run(captured: Captured, sizes: list[int]) -> list[bool]:
    """Return, for each call, whether a graph ran it."""
    return [bool((captured(torch.ones(size, 1, 2, 2), torch.zeros(size))[0] != 1).any()) for size in sizes]


def test_a_kind_is_captured_when_it_comes_again_and_only_so_many_are() -> None:
    record = Recorder()
    captured = Captured(lambda images, _labels: (images,), CPU, record)
    assert run(captured, [5, 3, 5, 3, 5]) == [False, False, True, True, True]
    assert run(captured, [7, 8, 9, 7, 8, 9, 9, 5]) == [False] * 3 + [True, True, False, False, True]
    assert record.sizes == [5, 3, 7, 8]
    assert len(record.sizes) == GRAPHS
    assert captured.seconds > 0
    assert captured.eager is None


def test_layout_type_and_target_are_of_the_kind() -> None:
    record = Recorder()
    captured = Captured(lambda images, _labels: (images,), CPU, record)
    images, labels = torch.ones(2, 3, 4, 4), torch.zeros(2, dtype=torch.int64)
    last = images.contiguous(memory_format=torch.channels_last)
    for given in ((images, labels), (last, labels), (images.double(), labels), (images, torch.zeros(2, 5))) * 2:
        captured(*given)
    assert len(record.sizes) == 4


def test_a_failed_capture_is_told_once_and_ends_them(caplog: pytest.LogCaptureFixture) -> None:
    captured = Captured(lambda images, _labels: (images,), CPU, Recorder(fails_on=3))
    with caplog.at_level(logging.WARNING):
        assert run(captured, [5, 5, 3, 3, 3, 4, 4, 5]) == [False, True] + [False] * 5 + [True]
    assert [record.message for record in caplog.records] == [
        "this network runs without CUDA graphs (slower, same result): operation not permitted"
    ]
    assert captured.eager == "operation not permitted"


def stale(step: Step, images: Tensor, labels: Tensor) -> Step:
    """Capture a graph that never reads its arguments again."""
    kept = step(images, labels)
    return lambda _images, _labels: kept


def broken(step: Step, images: Tensor, labels: Tensor) -> Step:
    """Capture a graph that fails when it is run."""

    def graph(_images: Tensor, _labels: Tensor) -> tuple[Tensor, ...]:
        raise RuntimeError("an illegal memory access\nmore")

    return graph


def altered(change: Callable[[Tensor], Tensor]) -> Callable[[Step, Tensor, Tensor], Step]:
    """Return a capture whose graphs change the step's last result."""

    def capture(step: Step, _images: Tensor, _labels: Tensor) -> Step:
        def graph(images: Tensor, labels: Tensor) -> tuple[Tensor, ...]:
            *first, last = step(images, labels)
            return (*first, change(last))

        return graph

    return capture


WRONG = {
    "a little more than rounding": altered(lambda result: result * 1.01),
    "stale": stale,
    "not a number": altered(lambda result: result * math.nan),
    "of another shape": altered(lambda result: result[:1]),
    "broken": broken,
}


def test_a_large_loss_does_not_hide_wrong_derivatives() -> None:
    captured = Captured(lambda images, _labels: (images.sum() * 1e6, images), CPU, altered(torch.neg))
    images, labels = torch.rand(5, 3, 4, 4), torch.arange(5)
    for _ in range(2):
        assert torch.equal(captured(images, labels)[1], images)
    assert captured.eager == "the graph differs from the ordinary step by 2, more than rounding explains"


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_graph_that_gives_other_numbers_is_not_used(
    wrong: Callable[[Step, Tensor, Tensor], Step], caplog: pytest.LogCaptureFixture
) -> None:
    captured = Captured(lambda images, _labels: (images[0, 0], 2 * images), CPU, wrong)
    images, labels = torch.rand(5, 3, 4, 4), torch.arange(5)
    with caplog.at_level(logging.WARNING):
        for seen in (images, images + 1, images + 2):
            assert torch.equal(captured(seen, labels)[1], 2 * seen)
    assert captured.eager
    assert [record.message for record in caplog.records] == [
        f"this network runs without CUDA graphs (slower, same result): {captured.eager}"
    ]
    assert len(captured.eager.splitlines()) == 1


def test_a_wrong_graph_takes_the_others_with_it() -> None:
    record = Recorder()

    def capture(step: Step, images: Tensor, labels: Tensor) -> Step:
        right = record(step, images, labels)
        return right if len(images) == 5 else altered(torch.neg)(right, images, labels)

    captured = Captured(lambda images, _labels: (images,), CPU, capture)
    assert run(captured, [5, 5, 3, 3, 5, 4, 4]) == [False, True, False, False, False, False, False]
    assert record.sizes == [5, 3]
    assert captured.eager == "the graph differs from the ordinary step by 2, more than rounding explains"


@pytest.mark.parametrize("value", [0.0, math.nan, math.inf])
def test_a_step_that_gives_nothing_finite_may_be_captured(value: float) -> None:
    record = Recorder()
    captured = Captured(lambda images, _labels: (images * 0 + value,), CPU, lambda *given: record(*given) and given[0])
    for _ in range(3):
        assert torch.equal(
            captured(torch.ones(5, 2), torch.arange(5))[0].nan_to_num(), torch.full((5, 2), value).nan_to_num()
        )
    assert captured.eager is None
    assert record.sizes == [5]


class CaptureAsCudaDoes:
    """Warms up and returns a graph that only writes to memory, the same at each call, and sets no mode or `grad`."""

    def __init__(self) -> None:
        self.network: nn.Module = nn.Identity()

    def __call__(self, step: Step, images: Tensor, labels: Tensor) -> Step:
        for _ in range(3):
            kept = step(images, labels)

        def graph(images: Tensor, labels: Tensor) -> tuple[Tensor, ...]:
            for place, now in zip(kept, step(images, labels), strict=True):
                place.copy_(now)
            self.network.eval().zero_grad(set_to_none=True)
            return kept

        return graph


class Unsteady(nn.Module):
    """A network with running statistics, dropout, and a weight that its loss does not depend on."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.unused = nn.Linear(2, 2)
        self.layers = nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(), nn.Flatten(), nn.Linear(144, 3)
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("capture", "why"),
    [
        (None, None),
        (CaptureAsCudaDoes(), None),
        (altered(torch.neg), "the graph differs from the ordinary step by "),
        (stale, "the graph differs from the ordinary step by "),
        (Recorder(fails_on=6), "operation not permitted"),
    ],
    ids=["plain", "captured", "wrong slope", "stale", "failing"],
)
def test_a_captured_update_learns_as_the_plain_one_does(
    capture: Callable[[Step, Tensor, Tensor], Step] | None, why: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def learnt(capture: Callable[[Step, Tensor, Tensor], Step] | None) -> tuple[list[Tensor], Optimiser]:
        monkeypatch.setattr(
            "attacks.core.optimiser.Captured",
            lambda step, runtime, _capture, changed: Captured(step, runtime, capture, changed),
        )
        network = Unsteady()
        if isinstance(capture, CaptureAsCudaDoes):
            capture.network = network
        optimiser = Optimiser(network, Sgd(lr=0.1, momentum=0.9, weight_decay=0.1), CPU, largest_gradient=1.0)
        draws = torch.Generator().manual_seed(1)
        torch.manual_seed(2)
        losses = [
            optimiser.step(torch.rand(size, 3, 8, 8, generator=draws), torch.arange(size) % 3).clone()
            for size in (6, 6, 4, 6, 4, 6)
        ]
        return [*losses, *network.state_dict().values()], optimiser

    (plain, _), (seen, optimiser) = learnt(None), learnt(capture)
    assert not torch.equal(plain[-1], Unsteady().layers[-1].bias)
    assert all(torch.equal(one, other) for one, other in zip(plain, seen, strict=True))
    assert (optimiser.eager or "").startswith(why or "")
    assert (optimiser.eager is None) is (why is None)
    assert (optimiser.warm_up > 0) is (capture is not None)


def test_an_optimiser_that_is_let_go_frees_its_network() -> None:
    network = Unsteady()
    optimiser, gone = Optimiser(network, Sgd(), CPU), weakref.ref(network)
    optimiser.step(torch.rand(6, 3, 8, 8), torch.arange(6) % 3)
    gc.disable()
    try:
        del network, optimiser
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("where", ["attacks.engine.frozen", "attacks.core.optimiser"])
def test_who_makes_a_noise_says_that_it_went_without_graphs(
    where: str, task: Callable[..., Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    def capture_wrongly(step: Step, runtime: Runtime, _capture: object, *changed: Changed) -> Captured:
        return Captured(step, runtime, altered(torch.neg), *changed)

    plain = method("sem").recipe.make(task())
    monkeypatch.setattr(f"{where}.Captured", capture_wrongly)
    made = method("sem").recipe.make(task())
    assert plain.eager is None
    assert made.eager
    assert made.eager.startswith("the graph differs from the ordinary step by ")
    assert torch.equal(made.noise, plain.noise)


def test_weights_stay_where_graphs_read_them(literal: ModuleType) -> None:
    network = literal.tiny(4, seed=0)
    frozen = FrozenNetwork(network, torch.rand(2, 3, 8, 8), CPU)
    places = {name: tensor.data_ptr() for name, tensor in frozen._twin.state_dict().items()}
    Optimiser(network, Sgd(), CPU).step(torch.rand(4, 3, 8, 8), torch.arange(4))
    frozen.refresh()
    assert {name: tensor.data_ptr() for name, tensor in frozen._twin.state_dict().items()} == places
    assert frozen.warm_up == 0
