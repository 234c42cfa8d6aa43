"""Recipes of several stages: what learns, what is measured and counted, and that interruption changes nothing."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import pairwise
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from attacks.core.cost import Passes
from attacks.core.errors import RequestError, StoppedError
from attacks.core.runtime import Runtime
from attacks.core.settings import AdamW, Augment, Sgd, SignSteps
from attacks.core.state import Keeper, NullKeeper, State
from victims.countermeasures.standard import STANDARD
from victims.recipes import TRAININGS, training
from victims.recipes.spec import Stage, TrainingRecipe
from victims.recipes.supervised import SUPERVISED
from victims.settings import VictimSettings
from victims.train import LabelledImages, Training, train

ADAM = AdamW(kind="adamw", lr=0.01, milestones=(2,))
NUMBERS = VictimSettings(
    steps=6,
    batch=8,
    sgd=Sgd(lr=0.1),
    attack=SignSteps(steps=2, step=0.7),
    evaluate_every=2,
    robust_attack=SignSteps(steps=2, step=0.5),
    robust_images=5,
)


def head(network: nn.Module) -> Iterable[nn.Module]:
    return (network.head,)


class Projected(nn.Module):
    """A network with a projection of its logits, which is trained with it and then discarded."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.projection = network, nn.Linear(3, 4)


def alike(module: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Return a loss that pulls two views of an image together and pushes other images' views away; ignore labels."""
    one, other = functional.normalize(module.projection(module.network(images)), dim=1).chunk(2)
    return functional.cross_entropy(one @ other.T / 0.5, torch.arange(len(one)))


TWO = TrainingRecipe(
    name="two",
    title="self-supervised, then its last layer by labels",
    source="this test",
    stages=lambda settings: (
        Stage(
            steps=5,
            batch=6,
            optimiser=ADAM,
            around=Projected,
            views=2,
            loss=alike,
            attacked=False,
            evaluated=False,
        ),
        Stage(steps=settings.steps, batch=8, optimiser=settings.sgd, parts=head, cost=Passes(forward=1)),
        Stage(steps=3, batch=4, optimiser=ADAM),
    ),
)


def task(literal: ModuleType, recipe: TrainingRecipe, *, rho_a: float = 0, seed: int = 0) -> Training:
    generator = torch.Generator().manual_seed(5)
    images = torch.randint(0, 256, (35, 3, 8, 8), generator=generator, dtype=torch.uint8)
    labels = torch.arange(35) % 3
    return Training(
        network=literal.tiny(3, seed=1),
        train=LabelledImages(images=images[:20], labels=labels[:20]),
        test=LabelledImages(images=images[20:], labels=labels[20:]),
        classes=3,
        rho_a=rho_a,
        recipe=recipe,
        countermeasure=STANDARD,
        settings=NUMBERS,
        augment=Augment(padding=2),
        generator=torch.Generator().manual_seed(seed),
        runtime=Runtime(device=torch.device("cpu"), precision="fp32", chunk=6),
        report=lambda _done, _all: None,
        keeper=NullKeeper(),
    )


def test_the_table_of_recipes() -> None:
    assert training("supervised") is SUPERVISED
    assert all(known.title and known.source for known in TRAININGS.values())
    with pytest.raises(RequestError, match=r"unknown training recipe 'supervise'; did you mean 'supervised'\?"):
        training("supervise")


@pytest.mark.parametrize("rho_a", [0, 4])
def test_stages_are_measured_and_counted_as_planned(rho_a: float, literal: ModuleType) -> None:
    reports: list[tuple[float, float]] = []
    given = replace(task(literal, TWO, rho_a=rho_a), report=lambda done, of: reports.append((done, of)))
    outcome = train(given)
    assert [step for step, _ in outcome.curve] == [7, 9, 11, 13, 14]
    assert list(TWO.evaluations(NUMBERS)) == [7, 9, 11, 13, 14]
    learnt = outcome.training[1]
    assert (learnt.train, learnt.forward) == (5 * 6 * 2 + 3 * 4, 6 * 8)
    assert learnt.attack == (2 * (6 * 8 + 3 * 4) if rho_a else 0)
    counted = TWO.passes(NUMBERS, STANDARD, rho_a=rho_a, images=20, tests=15)
    assert learnt + outcome.evaluation[1] == counted
    assert len(reports) == 5 + 6 + 3
    assert reports[4] == (5 * 6 * 2 * 1.5, counted.work)  # not five steps of fourteen


def test_the_last_step_is_measured_even_where_its_stage_is_not() -> None:
    quiet = replace(SUPERVISED, stages=lambda settings: (replace(SUPERVISED.stages(settings)[0], evaluated=False),))
    assert list(quiet.evaluations(NUMBERS)) == [6]


def test_only_the_named_parts_learn(literal: ModuleType) -> None:
    one = replace(SUPERVISED, stages=lambda s: (Stage(steps=6, batch=8, optimiser=s.sgd, parts=head),))
    given = task(literal, one)
    before = {name: tensor.clone() for name, tensor in given.network.state_dict().items()}
    features: list[Tensor] = []
    given.network.head.register_forward_pre_hook(lambda _, inputs: features.append(inputs[0].detach().clone()))
    given.network.eval()(given.runtime.pixels(given.test.images))
    train(given)
    given.network.eval()(given.runtime.pixels(given.test.images))
    assert torch.equal(features[0], features[-1])  # running statistics are unchanged too
    after = given.network.state_dict()
    moved = {name for name, tensor in after.items() if not torch.equal(tensor, before[name])}
    assert moved == {"head.weight", "head.bias"}


def test_the_whole_network_learns_again_after_a_part_of_it(literal: ModuleType) -> None:
    given = task(literal, TWO)
    stem = given.network.stem.weight
    seen: list[Tensor] = []
    report = lambda _done, _all: seen.append(stem.detach().clone())  # noqa: E731
    train(replace(given, report=report))
    changed = [not torch.equal(one, other) for one, other in pairwise(seen)]
    assert changed == [True] * 4 + [False] * 6 + [True] * 3


@pytest.mark.parametrize("offers", [2, 3, 7])
def test_stages_in_pieces_are_the_same(
    offers: int, literal: ModuleType, cut_after: Callable[[int, State | None], Keeper]
) -> None:
    torch.manual_seed(3)
    whole = train(task(literal, TWO, rho_a=4))
    state: State | None = None
    pieces = 0
    while True:
        torch.manual_seed(3)  # as `seeded` and the keeper of a cell do
        keeper = cut_after(offers, state)
        try:
            outcome = train(replace(task(literal, TWO, rho_a=4, seed=pieces), keeper=keeper))
        except StoppedError:
            state, pieces = keeper.restored(), pieces + 1
            continue
        break
    assert pieces == 13 // (offers - 1)
    assert outcome.curve == whole.curve
    assert (outcome.accuracy_train, outcome.accuracy_robust) == (whole.accuracy_train, whole.accuracy_robust)
    assert (outcome.training[1], outcome.evaluation[1]) == (whole.training[1], whole.evaluation[1])
