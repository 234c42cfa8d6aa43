"""The engine against the algorithms written out literally, and its image-passes against the papers' counts."""

from collections.abc import Callable
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from attacks.cost import Passes
from attacks.methods import METHODS
from attacks.settings import NoiseSettings, Sgd, SignSteps
from attacks.spec import Task

MakeTask = Callable[..., Task]

NAMES = ("em-fu22", "em-fu22-released", "rem-fu22", "sem-liu24")


@pytest.mark.parametrize("name", NAMES)
def test_noise_is_that_of_the_literal_algorithm(name: str, task: MakeTask, literal: ModuleType) -> None:
    given = task(precision="fp64")
    made = METHODS[name].recipe.make(given)
    again = task(precision="fp64")
    expected = literal.Maker(
        row=literal.TABLE[name],
        network=again.network().double(),
        images=list(again.images.double() / 255),
        labels=again.labels.tolist(),
        numbers=again.settings,
        padding=again.augment.padding,
        generator=again.generator,
    ).make()
    assert torch.equal(given.generator.get_state(), again.generator.get_state())
    assert made.noise.dtype == torch.int8
    assert (made.noise == expected).double().mean() >= 0.999


@pytest.mark.parametrize("name", NAMES)
def test_counted_passes_are_those_that_the_network_sees(name: str, task: MakeTask, literal: ModuleType) -> None:
    seen = {"attack": 0, "train": 0}

    def count(network: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if output.requires_grad:
            seen["train" if network.training else "attack"] += len(output)

    network = literal.tiny(3, seed=2)
    network.register_forward_hook(count)  # the frozen twin is a copy of the network, hooks included
    given = task(network=network)
    made = METHODS[name].recipe.make(given)
    assert made.passes == Passes(**seen) == METHODS[name].recipe.passes(given.settings, len(given.images))


@pytest.mark.parametrize(("name", "step", "final"), [("em", 11, 10), ("sem", 61, 50), ("rem", 561, 550)])
def test_passes_at_the_papers_numbers(name: str, step: int, final: int) -> None:
    recipe = next(method.recipe for method in METHODS.values() if name in method.aliases)

    def passes(steps: int) -> Passes:
        signs = SignSteps(steps=10, step=0.2)
        settings = NoiseSettings(steps=steps, descent=signs, ascent=signs, surrogate="resnet18", sgd=Sgd())
        return recipe.passes(settings, 50_000)

    each = passes(5000) - passes(4999)
    assert (each.attack + each.train, each.train) == (128 * step, 128)
    assert passes(5000).attack - 5000 * each.attack == 50_000 * final
