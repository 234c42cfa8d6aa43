import copy
from collections.abc import Callable
from types import ModuleType

import pytest
import torch
from torch import nn

from attacks.core.errors import UntrainableError
from attacks.core.optimiser import DivergedError
from attacks.core.settings import Sgd, Targeted
from attacks.engine import learner
from attacks.methods import METHODS
from attacks.task import Task
from victims.networks.build import build

ON_EPOCHS = ("pil-liu26", "aue-wang24", "aue-wang24-classwise", "aap-wang24")


@pytest.mark.parametrize("name", ["em-fu22", "em-huang21", "em-huang21-classwise", "tap-fowl21", *ON_EPOCHS])
def test_a_network_that_diverges_makes_no_noise(name: str, task: Callable[..., Task]) -> None:
    wild = Sgd(lr=1e30)
    of_epochs = {table: {"epochs": 1, "batch": 5, "sgd": {"lr": 1e30}} for table in ("pil", "aue", "aap")}
    given = task(sgd=wild, targeted=Targeted(pretraining=3, sgd=wild), **of_epochs)
    with pytest.raises(
        DivergedError, match=r"^the surrogate diverged: its loss or weights stopped being finite within [23] steps$"
    ):
        METHODS[name].recipe.make(given)


@pytest.mark.parametrize("name", ["sem-liu24", "em-huang21", "tap-fowl21", "aue-wang24"])
def test_the_signs_that_bf16_keeps_are_told(name: str, task: Callable[..., Task]) -> None:
    kept = METHODS[name].recipe.make(task(precision="bf16")).sign_agreement
    assert kept is not None
    assert 60 < kept <= 100
    assert METHODS[name].recipe.make(task(precision="fp32")).sign_agreement is None


@pytest.mark.parametrize("name", ["aue-wang24", "aue-wang24-classwise", "aap-wang24", "mi-ue-zhu26", "gue-liu24"])
def test_a_single_last_image_is_refused_before_any_training(name: str, task: Callable[..., Task]) -> None:
    network = build("resnet18-w8", classes=3, channels=3, size=8, seed=0)
    before = copy.deepcopy(network.state_dict())
    with pytest.raises(UntrainableError, match=r"^11 images in batches of 5 leave a single .*; add or remove an image"):
        METHODS[name].recipe.make(task(network=network, count=11))
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


def test_trying_a_single_image_changes_no_noise(
    task: Callable[..., Task], literal: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def noise() -> torch.Tensor:
        torch.manual_seed(0)  # for the dropout
        network = nn.Sequential(nn.Dropout(0.5), literal.tiny(3, seed=2))
        return METHODS["aue-wang24"].recipe.make(task(network=network, count=11)).noise

    tried = noise()
    monkeypatch.setattr(learner, "_check_single", lambda *_given: None)
    assert torch.equal(noise(), tried)
