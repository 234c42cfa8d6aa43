"""Work that is cut into pieces gives the same bytes as work that is not."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from attacks.errors import StoppedError
from attacks.methods import method
from attacks.spec import Task
from attacks.state import Keeper, State

CutAfter = Callable[[int, State | None], Keeper]


@pytest.mark.parametrize("name", ["em-fu22-released", "rem-fu22", "sem-liu24"])
@pytest.mark.parametrize("precision", ["fp64", "bf16"])
def test_noise_made_in_pieces_is_the_same(
    task: Callable[..., Task], name: str, precision: str, cut_after: CutAfter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attacks.surrogate.FINAL_BATCH", 5)  # three pieces of the final pass
    recipe = method(name).recipe
    whole = recipe.make(task(precision=precision))
    state: State | None = None
    pieces = 0
    while True:
        keeper = cut_after(1, state)
        given = task(precision=precision, seed=pieces)  # from the second on another seed, which the state replaces
        pieces += 1
        try:
            made = recipe.make(replace(given, keeper=keeper))
        except StoppedError:
            state = keeper.restored()
            continue
        break
    assert pieces == 3 + 3 + 1  # steps, pieces of the final pass, and what is left: nothing
    assert torch.equal(made.noise, whole.noise)
    assert made.passes == whole.passes
