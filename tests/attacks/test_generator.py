"""BAIT and its generator against literal transcriptions, and their edge cases."""

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
import torch

from attacks.core.numbers import Bait
from attacks.core.optimiser import DivergedError
from attacks.engine.generator import Generator, draw_network
from attacks.methods import METHODS
from attacks.task import Task

MakeTask = Callable[..., Task]
BAIT = METHODS["bait-li26"].recipe

CASES: dict[str, dict[str, Any]] = {
    "eight images": {"count": 8},
    "eight saturated images": {"count": 8, "saturated": True},
    "an incomplete batch": {"count": 12, "chunk": 3},
    "batches without some of the classes": {"count": 8, "batch": 2},
    "more rounds, and a bound that cuts images off": {"count": 8, "rounds": 6, "rho_u": 100, "saturated": True},
    "a large gradient": {"count": 8, "steep": True},
}


def pair(task: MakeTask, *, steep: bool = False, **changes: Any) -> tuple[Task, Task]:
    """Return a task twice; `steep` makes the gradient of its network exceed the norm that it is clipped to."""
    own = {name: changes.pop(name) for name in ("batch", "rounds") if name in changes}
    found = []
    for _ in range(2):
        given = task(precision="fp64", **changes)
        given.settings.tables["bait"].update(own)
        if steep:
            network = given.network()
            network.head.weight.data.mul_(100)
            given = replace(given, network=lambda network=network, **_own: network)
        found.append(given)
    return found[0], found[1]


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES)
def test_bait_is_the_literal_algorithm(
    changes: dict[str, Any], task: MakeTask, literal: ModuleType, literal_generator: ModuleType
) -> None:
    given, again = pair(task, **changes)
    made = BAIT.make(given)
    literally = literal_generator.Baiting(
        own=Bait.of(again.settings), classes=again.classes, augment=again.augment, **literal.taken(again)
    )
    expected = literally.make()
    assert torch.equal(given.generator.get_state(), again.generator.get_state())
    assert torch.equal(made.noise.double(), expected)
    assert len(made.noise.unique()) > 8


@pytest.mark.parametrize("side", [8, 16, 20, 28, 32])
def test_a_generator_is_the_literal_one_at_any_side(side: int, literal_generator: ModuleType) -> None:
    made = draw_network(lambda: Generator(3, width=2, blocks=2), torch.Generator().manual_seed(3)).double()
    seed = int(torch.randint(2**62, (), generator=torch.Generator().manual_seed(3)))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        literally = literal_generator.Painter(2, 2).double()
    images = torch.rand(4, 3, side, side, dtype=torch.float64)
    for _ in range(2):  # the second time with updated statistics
        noise = made(images)
        assert noise.shape == images.shape
        assert noise.abs().max() < 1
        assert torch.allclose(noise, literally(images), rtol=0, atol=1e-12)
    assert torch.allclose(made.eval()(images), literally.eval()(images), rtol=0, atol=1e-12)


def test_the_papers_generator_has_as_many_weights_as_released() -> None:
    made = draw_network(lambda: Generator(3, width=16, blocks=8), torch.Generator())
    assert sum(weight.numel() for weight in made.parameters()) == 40_909_648


def test_images_of_a_class_carry_one_noise(task: MakeTask) -> None:
    given = task()
    given.settings.tables["bait"]["lr"] = 0.003  # at larger ones, nearly all of the noise is at its bound
    noise = BAIT.make(given).noise
    assert all(torch.equal(noise[i], noise[int(label)]) for i, label in enumerate(given.labels))  # 0, 1, 2, 0, ...
    assert not torch.equal(noise[0], noise[1])


def test_a_generator_that_diverges_makes_no_noise(task: MakeTask) -> None:
    given = task()
    given.settings.tables["bait"]["sgd"] = {"lr": 1e30}
    with pytest.raises(DivergedError):
        BAIT.make(given)
