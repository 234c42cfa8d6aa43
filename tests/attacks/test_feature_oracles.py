"""The methods on features or on several networks, against literal transcriptions."""

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
import torch

from attacks.methods import METHODS
from attacks.task import Task

MakeTask = Callable[..., Task]

CASES: dict[str, dict[str, Any]] = {
    "eight images": {"count": 8},
    "eight saturated images": {"count": 8, "saturated": True},
    "more images than a batch, in chunks": {"count": 12, "chunk": 3},
}
every_case = pytest.mark.parametrize("changes", CASES.values(), ids=CASES)


@pytest.mark.parametrize("name", ["mi-ue-zhu26", "mi-ue-zhu26-code"])
@every_case
def test_features_are_drawn_together_as_literally(
    name: str, changes: dict[str, Any], task: MakeTask, literal: ModuleType, literal_features: ModuleType
) -> None:
    given, again = (task(precision="fp64", **changes) for _ in range(2))
    made = METHODS[name].recipe.make(given)
    expected = literal_features.Attraction(released=name.endswith("code"), **literal.taken(again)).make()
    assert torch.equal(given.generator.get_state(), again.generator.get_state())
    assert torch.equal(made.noise.double(), expected.double())


@pytest.mark.parametrize("name", ["entf-push-wen23", "entf-pull-wen23"])
@every_case
def test_features_are_entangled_as_literally(
    name: str, changes: dict[str, Any], task: MakeTask, literal: ModuleType, literal_features: ModuleType
) -> None:
    given, again = (task(precision="fp64", **changes) for _ in range(2))
    made = METHODS[name].recipe.make(given)
    expected = literal_features.Entanglement(
        pulled="pull" in name, augment=again.augment, **literal.taken(again)
    ).make()
    assert torch.equal(given.generator.get_state(), again.generator.get_state())
    assert torch.equal(made.noise.double(), expected.double())


@pytest.mark.parametrize(("name", "by"), [("sep-chen23", 1), ("dune-wang26-without-lpips", 1)])  # of three classes
@every_case
def test_checkpoints_agree_as_literally(
    name: str, by: int, changes: dict[str, Any], task: MakeTask, literal: ModuleType, literal_features: ModuleType
) -> None:
    given, again = (task(precision="fp64", **changes) for _ in range(2))
    recipe = METHODS[name].recipe
    made = recipe.make(given)
    own = recipe.table.of(again.settings)
    expected = literal_features.SelfEnsembling(
        own=own, by=by, classes=again.classes, augment=again.augment, **literal.taken(again)
    ).make()
    assert torch.equal(given.generator.get_state(), again.generator.get_state())
    assert torch.equal(made.noise.double(), expected.double())


def test_a_longer_search_on_dark_images_where_shifts_are_seen(
    task: MakeTask, literal: ModuleType, literal_features: ModuleType
) -> None:
    recipe, colour = METHODS["dune-wang26-without-lpips"].recipe, {"particles": 4, "rounds": 6, "share": 1}
    numbers = task().settings.tables["dune"] | {"colour": colour}
    given, again = (task(precision="fp64", count=8, dune=numbers) for _ in range(2))
    given, again = (replace(one, images=one.images // 16) for one in (given, again))
    made = recipe.make(given)
    own = recipe.table.of(again.settings)
    expected = literal_features.SelfEnsembling(
        own=own, by=1, classes=again.classes, augment=again.augment, **literal.taken(again)
    ).make()
    assert torch.equal(made.noise.double(), expected.double())


@pytest.mark.parametrize(
    ("name", "classes", "expected"),
    [
        ("sep-chen23", 10, [5, 6, 4]),
        ("sep-chen23", 100, [50, 51, 59]),
        ("dune-wang26-without-lpips", 10, [3, 4, 2]),
        ("dune-wang26-without-lpips", 3, [1, 2, 1]),
    ],
)
def test_targets_are_the_released_ones(name: str, classes: int, expected: list[int]) -> None:
    assert METHODS[name].recipe.target(torch.tensor([0, 1, 9]), classes).tolist() == expected
