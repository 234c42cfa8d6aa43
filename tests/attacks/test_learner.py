from collections.abc import Callable

import pytest

from attacks.core.optimiser import DivergedError
from attacks.core.settings import Sgd, Targeted
from attacks.methods import METHODS
from attacks.task import Task

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
