"""The tables that a method declares are all that it reads: its noise's key has no others."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from attacks.core.settings import Augment, OwnTable, Reads
from attacks.methods import METHODS
from attacks.recipes.drawn import Drawn
from attacks.spec import Recipe
from attacks.task import Task

MakeTask = Callable[..., Task]


def own_tables(reads: Reads) -> set[type[OwnTable]]:
    return {read for read in reads if not isinstance(read, str)}


OWN = {table for known in METHODS.values() for table in own_tables(known.recipe.reads)}


def other(value: Any) -> Any:
    """Return another valid value of a number, or of all numbers in a table."""
    match value:
        case dict():
            return {name: other(part) for name, part in value.items()}
        case bool():
            return not value
        case int():
            return value + 1
        case float():
            return value / 2 or 0.25
    return value


def no_network(**_own: object) -> nn.Module:
    raise AssertionError("the network is not among the tables that it reads")


def with_other_tables(recipe: Recipe, task: MakeTask) -> Task:
    """Return a task in which every number has changed that the recipe does not declare."""
    settings = task().settings
    hidden = OWN - own_tables(recipe.reads)
    changes = {own.table: other(own.of(settings).model_dump(mode="json", exclude_none=True)) for own in hidden}
    if "noise" not in recipe.reads:
        changes |= other(settings.numbers())
    if "augment" not in recipe.reads:
        changes["augment"] = Augment(kind="resized-crop", size=4, flip=False)
    made = task(**changes)
    return made if "network" in recipe.reads else replace(made, network=no_network)


def reads_only_what_it_declares(recipe: Recipe, task: MakeTask) -> bool:
    noise, same = (recipe.make(given).noise for given in (task(), with_other_tables(recipe, task)))
    return torch.equal(noise, same)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_reads_only_the_tables_that_it_declares(name: str, task: MakeTask) -> None:
    assert reads_only_what_it_declares(METHODS[name].recipe, task)


@pytest.mark.parametrize("name", ["random", "lsp-yu22"])
def test_an_undeclared_table_is_found_out(name: str, task: MakeTask) -> None:
    recipe = METHODS[name].recipe
    assert isinstance(recipe, Drawn)
    assert not reads_only_what_it_declares(replace(recipe, reads=()), task)
