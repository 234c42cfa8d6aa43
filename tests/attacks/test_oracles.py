"""The engine against literal transcriptions of the algorithms, and its image-passes against the papers' counts."""

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from attacks.core.cost import Passes
from attacks.core.settings import Alternating, Augment, NoiseSettings, Sgd, SignSteps, Targeted
from attacks.engine.frozen import FrozenNetwork
from attacks.methods import METHODS
from attacks.methods.sem_liu24 import Shake
from attacks.recipes.surrogate_loop import Disturb
from attacks.spec import Recipe
from attacks.task import Task

MakeTask = Callable[..., Task]

LOOPS = ("em-fu22", "em-fu22-aligned", "rem-fu22", "sem-liu24", "asr-fang24")
ROUNDS = ("em-huang21", "em-huang21-classwise")
CONTRASTIVE = ("aue-wang24", "aue-wang24-classwise", "aap-wang24", "aap-wang24-untargeted")
FEATURES = ("mi-ue-zhu26", "mi-ue-zhu26-code", "entf-push-wen23", "entf-pull-wen23")
CHECKPOINTS = ("sep-chen23", "dune-wang26-without-lpips")
NAMES = (*LOOPS, *ROUNDS, "tap-fowl21", *CONTRASTIVE, *FEATURES, *CHECKPOINTS)
# numbers that the original EM may set for itself: the optimiser, and for class-wise noise one more update per round
OWN = {"sgd": Sgd(lr=0.2, weight_decay=0.3, milestones=(1,)), "class_updates": 3}
# the surrogate fits within these rounds, but not in the first
FITS = Alternating(
    batch=5,
    updates=2,
    descent=SignSteps(steps=3, step=0.3),
    class_descent=SignSteps(steps=2, step=0.4),
    class_share=0.7,
    train_error=0.01,
    rounds=15,
)
CASES: dict[str, dict[str, Any]] = {
    "shifts": {},
    "resized crops": {"augment": Augment(kind="resized-crop", size=6)},
    "a batch larger than the set": {"batch": 64},
    "saturated images": {"saturated": True},
    "resized crops of saturated images": {"augment": Augment(kind="resized-crop", size=6), "saturated": True},
}
every_case = pytest.mark.parametrize("changes", CASES.values(), ids=CASES)


def agree(recipe: Recipe, row: object, task: MakeTask, literal: ModuleType, **changes: object) -> None:
    """Check a surrogate loop against the transcription in its row."""
    given, again = (task(precision="fp64", **changes) for _ in range(2))
    made = recipe.make(given)
    expected = literal.Maker(row=row, augment=again.augment, **literal.taken(again)).make()
    assert torch.equal(given.generator.get_state(), again.generator.get_state())
    assert made.noise.dtype == torch.int8
    assert torch.equal(made.noise.double(), expected.double())


@pytest.mark.parametrize("name", LOOPS)
@every_case
def test_noise_is_that_of_the_literal_algorithm(
    changes: dict[str, Any], name: str, task: MakeTask, literal: ModuleType
) -> None:
    agree(METHODS[name].recipe, literal.TABLE[name], task, literal, **changes)


@pytest.mark.parametrize("rho_a", [6.0, 15.0])
def test_the_other_draw_of_sem(rho_a: float, task: MakeTask, literal: ModuleType) -> None:
    recipe = replace(METHODS["sem-liu24"].recipe, disturb=Disturb(apply=Shake(distribution="gaussian")))
    agree(recipe, replace(literal.TABLE["sem-liu24"], disturb="gaussian"), task, literal, rho_a=rho_a)


def test_asr_squares_the_distance_where_a_protocol_says_so(task: MakeTask, literal: ModuleType) -> None:
    changes = {"asr": {"power": 2}, "count": 8, "saturated": True}
    agree(METHODS["asr-fang24"].recipe, literal.TABLE["asr-fang24"], task, literal, **changes)


@pytest.mark.parametrize("name", ROUNDS)
@pytest.mark.parametrize(
    ("changes", "fits"),
    [
        ({}, False),
        ({"alternating": FITS}, True),
        ({"alternating": FITS.model_copy(update={"batch": 64})}, True),
        ({"saturated": True}, False),
        ({"alternating": FITS.model_copy(update=OWN | {"train_error": 0, "rounds": 2})}, False),
    ],
    ids=["to the end", "until it fits", "a batch larger than the set", "saturated images", "numbers of its own"],
)
def test_rounds_are_the_literal_ones(
    name: str, changes: dict[str, Any], fits: bool, task: MakeTask, literal: ModuleType, literal_others: ModuleType
) -> None:
    reports: list[tuple[int, int]] = []
    given, again = (task(precision="fp64", sgd=Sgd(lr=0.5, milestones=(3,)), **changes) for _ in range(2))
    recipe = METHODS[name].recipe
    made = recipe.make(replace(given, report=lambda done, of: reports.append((done, of))))
    expected, rounds = literal_others.Alternation(classwise=name.endswith("classwise"), **literal.taken(again)).make()
    assert torch.equal(given.generator.get_state(), again.generator.get_state())
    assert torch.equal(made.noise.double(), expected.double())
    most = given.settings.alternating.rounds
    assert made.exhausted is not fits
    assert 1 < rounds < most if fits else rounds == most
    spent = given.settings.model_copy(
        update={"alternating": given.settings.alternating.model_copy(update={"rounds": rounds})}
    )
    assert made.passes == recipe.passes(spent, len(given.images))
    assert reports[-1] == (reports[0][1], reports[0][1])


@pytest.mark.parametrize("name", NAMES)
def test_some_ask_for_a_surrogate_of_their_own(name: str, task: MakeTask) -> None:
    asked: list[dict[str, Any]] = []
    given = task(alternating=FITS.model_copy(update={"stem": "by-size", "mean": 0.0, "rounds": 1}))

    def network(**changes: object) -> nn.Module:
        asked.append(changes)
        return given.network()

    METHODS[name].recipe.make(replace(given, network=network))
    own = (
        {"stem": "by-size", "mean": 0.0}
        if name in ROUNDS
        else {"mean": 0.0}
        if name in (*CONTRASTIVE, *FEATURES[2:])
        else {}
    )
    assert asked == [own]


def test_rounds_clip_a_large_gradient(task: MakeTask, literal: ModuleType, literal_others: ModuleType) -> None:
    def steep() -> nn.Module:
        network = literal.tiny(3, seed=2)
        with torch.no_grad():
            network.head.weight.mul_(40)
        return network

    given, again = (task(precision="fp64", network=steep()) for _ in range(2))
    made = METHODS["em-huang21"].recipe.make(given)
    expected, _ = literal_others.Alternation(classwise=False, **literal.taken(again)).make()
    assert torch.equal(made.noise.double(), expected.double())


def test_rounds_measure_the_error_in_parts_that_fit_into_memory(
    task: MakeTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    whole = FrozenNetwork.logits

    def logits(twin: FrozenNetwork, images: Tensor) -> Tensor:
        seen.append(len(images))
        return whole(twin, images)

    monkeypatch.setattr(FrozenNetwork, "logits", logits)
    monkeypatch.setattr("attacks.task.ENTRIES", 5 * 3 * 8 * 8)
    METHODS["em-huang21"].recipe.make(task(count=12))
    assert seen
    assert set(seen) == {5, 2}


@every_case
def test_targeted_noise_is_the_literal_one(
    changes: dict[str, Any], task: MakeTask, literal: ModuleType, literal_others: ModuleType
) -> None:
    given, again = (task(precision="fp64", **changes) for _ in range(2))
    made = METHODS["tap-fowl21"].recipe.make(given)
    expected = literal_others.Targeting(classes=again.classes, augment=again.augment, **literal.taken(again)).make()
    assert torch.equal(given.generator.get_state(), again.generator.get_state())
    assert torch.equal(made.noise.double(), expected.double())


def test_targeted_noise_is_rounded_from_float16(
    task: MakeTask, literal: ModuleType, literal_others: ModuleType
) -> None:
    # one step of 1.5/255 down or up from the start; in one entry in a thousand, float16 rounds across a half
    one = Targeted(pretraining=1, sgd=Sgd(lr=0.3), descent=SignSteps(steps=1, step=0.1875))
    given, again = (task(precision="fp64", count=100, targeted=one) for _ in range(2))
    made = METHODS["tap-fowl21"].recipe.make(given)
    expected = literal_others.Targeting(classes=again.classes, augment=again.augment, **literal.taken(again)).make()
    assert torch.equal(made.noise.double(), expected.double())


@pytest.mark.parametrize("name", NAMES)
def test_counted_passes_are_those_that_the_network_sees(
    name: str, task: MakeTask, literal: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    # no folding, since the search for foldable layers runs the network a few times
    monkeypatch.setattr("attacks.engine.frozen.find_pairs", lambda network, example: [])
    seen = {"attack": 0, "train": 0, "forward": 0}

    def count(network: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        kind = "train" if network.training else "attack" if output.requires_grad else "forward"
        seen[kind] += len(output)

    network = literal.tiny(3, seed=2)
    network.register_forward_hook(count)  # the frozen twin is a copy of the network, hooks included
    given = task(network=network)
    made = METHODS[name].recipe.make(given)
    assert made.passes == Passes(**seen) == METHODS[name].recipe.passes(given.settings, len(given.images))


@pytest.mark.parametrize(
    ("name", "step", "final"), [("em", 11, 10), ("sem", 61, 50), ("rem", 561, 550), ("asr", 62, 50)]
)
def test_passes_at_the_papers_numbers(name: str, step: int, final: int) -> None:
    recipe = next(method.recipe for method in METHODS.values() if name in method.aliases)
    each = at_the_papers_numbers(recipe, steps=5000) - at_the_papers_numbers(recipe, steps=4999)
    assert (each.attack + each.train, each.train) == (128 * step, 256 if name == "asr" else 128)
    assert at_the_papers_numbers(recipe, steps=5000).attack - 5000 * each.attack == 50_000 * final


def test_passes_of_the_other_methods_at_the_papers_numbers() -> None:
    def most(name: str, batch: int) -> Passes:
        return at_the_papers_numbers(METHODS[name].recipe, steps=1, batch=batch)

    assert most("em-huang21", 512) == Passes(attack=100 * 1_000_000, train=100 * 5120, forward=100 * 50_000)
    assert most("em-huang21-classwise", 512) == Passes(attack=100 * 10_000, train=100 * 5120, forward=100 * 10_000)
    assert most("tap-fowl21", 128) == Passes(attack=12_500_000, train=5_120_000)
    assert most("aue-wang24", 128) == Passes(attack=300 * 50_000, train=60 * 50_000)
    assert most("aue-wang24-classwise", 128) == Passes(attack=60 * 50_000, train=60 * 50_000)
    assert most("aap-wang24", 128) == most("aap-wang24-untargeted", 128) == Passes(attack=12_500_000, train=2_000_000)
    assert most("pil-liu26", 128) == Passes()


def test_passes_of_the_methods_on_features_at_the_papers_numbers() -> None:
    def most(name: str) -> Passes:
        return at_the_papers_numbers(METHODS[name].recipe, steps=1, batch=128)

    for name in FEATURES[:2]:
        assert most(name) == Passes(attack=1000 * 50_000, train=100 * 50_000)
    for name in FEATURES[2:]:
        train = 39_000 * 128
        assert most(name) == Passes(attack=10 * train + 300 * 50_000, train=train, forward=50_000)
    train = 46_800 * 128
    assert most("sep-chen23") == Passes(attack=900 * 50_000, train=train)
    assert most("dune-wang26-without-lpips") == Passes(attack=150 * 50_000, train=train, forward=5 * 100 * 10_000)


def at_the_papers_numbers(recipe: Recipe, **changes: int) -> Passes:
    signs = SignSteps(steps=10, step=0.2)
    given = {"descent": signs, "ascent": signs, "surrogate": "resnet18", "sgd": Sgd()}
    return recipe.passes(NoiseSettings.model_validate(given | changes), 50_000)
