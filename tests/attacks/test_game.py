"""GUE and its U-Net against literal transcriptions, and their edge cases."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import torch

from attacks.core.numbers import Gue
from attacks.core.optimiser import DivergedError
from attacks.engine.generator import NoiseUNet, draw_network
from attacks.methods import METHODS
from attacks.task import Task

MakeTask = Callable[..., Task]
GUE = METHODS["gue-liu24"].recipe

CASES: dict[str, dict[str, Any]] = {
    "eight images": {"count": 8, "rho_u": 100},
    "eight saturated images": {"count": 8, "rho_u": 100, "saturated": True},
    "the papers' bound": {"count": 8, "saturated": True},
    "an incomplete batch": {"count": 12, "rho_u": 100, "chunk": 3},
    "a batch of all": {"count": 8, "rho_u": 100, "batch": 16},
    "a gap that is closed only where it helps": {"count": 12, "rho_u": 100, "eta": 0},
}


def task_of(task: MakeTask, **changes: Any) -> Task:
    """Return a task with some of GUE's own numbers changed."""
    own = {name: changes.pop(name) for name in Gue.model_fields if name in changes}
    given = task(**changes)
    given.settings.tables["gue"].update(own)
    return given


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES)
def test_gue_is_the_literal_algorithm(
    changes: dict[str, Any], task: MakeTask, literal: ModuleType, literal_game: ModuleType
) -> None:
    given, again = (task_of(task, precision="fp64", **changes) for _ in range(2))
    made = GUE.make(given)
    expected = literal_game.Playing(own=Gue.of(again.settings), classes=again.classes, **literal.taken(again)).make()
    assert torch.equal(given.generator.get_state(), again.generator.get_state())
    assert torch.equal(made.noise.double(), expected)
    assert len(made.noise.unique()) > 8


@pytest.mark.parametrize("side", [8, 16, 20, 28, 32])
def test_a_u_net_is_the_literal_one_at_any_side(side: int, literal_game: ModuleType) -> None:
    made = draw_network(lambda: NoiseUNet(3, width=2), torch.Generator().manual_seed(3)).double()
    seed = int(torch.randint(2**62, (), generator=torch.Generator().manual_seed(3)))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        literally = literal_game.Drawer(2).double()
    images = torch.rand(4, 3, side, side + 8, dtype=torch.float64)
    for _ in range(2):  # the second time with updated statistics
        noise = made(images)
        assert noise.shape == images.shape
        assert noise.abs().max() < 1
        assert torch.allclose(noise, literally(images), rtol=0, atol=1e-12)
    assert torch.allclose(made.eval()(images), literally.eval()(images), rtol=0, atol=1e-12)


def test_the_papers_u_net_has_as_many_weights_as_released() -> None:
    made = draw_network(lambda: NoiseUNet(3, width=64), torch.Generator())
    assert sum(weight.numel() for weight in made.parameters()) == 7_788_681


@pytest.mark.parametrize(
    ("rate", "epochs", "diverged"),
    [("surrogate_lr", 2, "the surrogate"), ("generator_lr", 1, "the noise generator")],
)
def test_what_diverges_makes_no_noise(rate: str, epochs: int, diverged: str, task: MakeTask) -> None:
    given = task_of(task, epochs=epochs, batch=12, **{rate: 1e38})
    with pytest.raises(DivergedError, match=f"^{diverged} diverged"):
        GUE.make(given)
