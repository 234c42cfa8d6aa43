"""Work that is cut into pieces gives the same bytes as work that is not."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from attacks.core.errors import StoppedError
from attacks.core.state import Keeper, State
from attacks.engine import fused
from attacks.methods import METHODS, method
from attacks.recipes.drawn import Drawn
from attacks.task import Task
from victims.networks.build import build

CutAfter = Callable[[int, State | None], Keeper]
MakeTask = Callable[..., Task]

# pieces per method: steps plus parts of the noise, per round if there are rounds
PIECES = {
    "em-fu22": 3 + 3,
    "em-fu22-aligned": 3 + 3,
    "rem-fu22": 3 + 3,
    "sem-liu24": 3 + 3,
    "asr-fang24": 3 + 3,
    "em-huang21": 2 * (2 + 3),
    "em-huang21-classwise": 2 * (2 + 2),
    "tap-fowl21": 3 + 3,
    "pil-liu26": 3 * 3 + 3,
    "aue-wang24": 2 * (3 + 3),
    "aue-wang24-classwise": 2 * (3 + 3),
    "aap-wang24": 3 * 3 + 3,
    "aap-wang24-untargeted": 3 * 3 + 3,
    "mi-ue-zhu26": 3 * (3 + 2),
    "mi-ue-zhu26-code": 3 * (3 + 2),
    "entf-push-wen23": 3 + 3 + 3,
    "entf-pull-wen23": 3 + 3 + 3,
    "sep-chen23": 3 + 3,
    "dune-wang26-without-lpips": 3 + 3 * 3 + 3,
    "bait-li26": 3 * (1 + 2 + 1) + 3,
    "gue-liu24": 2 * 3 + 3,
}


def test_every_method_with_steps_is_cut() -> None:
    assert set(PIECES) == {name for name, known in METHODS.items() if not isinstance(known.recipe, Drawn)}


@pytest.mark.parametrize("name", PIECES)
@pytest.mark.parametrize("precision", ["fp64", "bf16"])
def test_noise_made_in_pieces_is_the_same(
    task: MakeTask, name: str, precision: str, cut_after: CutAfter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attacks.engine.descent.FINAL_BATCH", 5)  # three pieces of the set
    agree_in_pieces(name, lambda seed: task(precision=precision, seed=seed), cut_after)


@pytest.mark.usefixtures("bf16_in_onednn")
@pytest.mark.parametrize("name", ["sem-liu24", "mi-ue-zhu26"])
def test_fused_noise_made_in_pieces_is_the_same(
    task: MakeTask, name: str, cut_after: CutAfter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attacks.engine.descent.FINAL_BATCH", 5)
    packed: list[fused.Trunk] = []
    monkeypatch.setattr(fused.Trunk, "pack", lambda trunk, pack=fused.Trunk.pack: (packed.append(trunk), pack(trunk)))

    def given(seed: int) -> Task:
        plain = task(precision="bf16", seed=seed)
        network = lambda **_own: build("resnet18-w8", classes=plain.classes, channels=3, size=8, seed=2)  # noqa: E731
        return replace(plain, runtime=replace(plain.runtime, fused=True), network=network)

    agree_in_pieces(name, given, cut_after)
    assert len(set(packed)) > PIECES[name]  # each piece has a network of its own, and all are fused


def agree_in_pieces(name: str, given: Callable[[int], Task], cut_after: CutAfter) -> None:
    """Check that noise made in one go equals noise made in as many pieces as possible; `given` takes a seed."""
    recipe = method(name).recipe
    whole = recipe.make(given(0))
    state: State | None = None
    pieces = 0
    while True:
        keeper = cut_after(1, state)
        # from the second piece on, another seed, which the state replaces
        try:
            made = recipe.make(replace(given(pieces), keeper=keeper))
        except StoppedError:
            state = keeper.restored()
            pieces += 1
            continue
        break
    assert pieces == PIECES[name]
    assert torch.equal(made.noise, whole.noise)
    assert made.passes == whole.passes
    assert made.exhausted == whole.exhausted


@pytest.mark.parametrize("name", ["em-huang21", "em-huang21-classwise"])
def test_rounds_that_had_ended_stay_ended(task: MakeTask, name: str, cut_after: CutAfter) -> None:
    given = task()
    easy = given.settings.alternating.model_copy(update={"train_error": 0.99})
    given = replace(given, settings=given.settings.model_copy(update={"alternating": easy}))
    recipe, generator = method(name).recipe, given.generator.get_state()
    whole = recipe.make(given)
    assert not whole.exhausted
    given.generator.set_state(generator)
    keeper = cut_after(2 + (2 if name.endswith("classwise") else 1), None)  # the last step of the first round
    with pytest.raises(StoppedError):
        recipe.make(replace(given, keeper=keeper))
    made = recipe.make(replace(given, keeper=cut_after(1, keeper.restored())))
    assert torch.equal(made.noise, whole.noise)
    assert (made.passes, made.exhausted) == (whole.passes, False)
