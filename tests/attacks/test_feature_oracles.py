"""The methods that work on features or on several networks against the algorithms written out literally."""

from collections.abc import Callable
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
    "more images than a batch": {"count": 12},
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
