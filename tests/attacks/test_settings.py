import pytest
from pydantic import ValidationError

from attacks.core.cost import Passes
from attacks.core.settings import Alternating, Augment, NoiseSettings, Sgd, SignSteps


def settings(**changes: object) -> NoiseSettings:
    signs = SignSteps(steps=1, step=1)
    given = {"steps": 1, "descent": signs, "ascent": signs, "surrogate": "resnet18", "sgd": Sgd()}
    return NoiseSettings.model_validate(given | changes)


@pytest.mark.parametrize(
    "change", [{"rho_u": 7.6}, {"rho_u": 0}, {"rho_u": 128}, {"rho_a": -1}, {"rho": 8}, {"views": 0}, {"steps": 0}]
)
def test_impossible_numbers_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match=next(iter(change))):
        settings(**change)


@pytest.mark.parametrize(
    "change", [{"class_updates": 0}, {"stem": "large"}, {"sgd": {"lr": 0}}, {"mean": "none"}], ids=str
)
def test_impossible_numbers_of_the_rounds_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(change))):
        settings(alternating=change)


def test_what_is_not_set_is_not_dumped() -> None:
    assert not {"class_updates", "sgd", "stem", "mean"} & Alternating().model_dump().keys()
    assert Alternating(mean=0.0).model_dump().items() > Alternating().model_dump().items()
    assert "antialias" not in Augment(kind="resized-crop").model_dump()
    dumped = settings(alternating={"class_updates": 3}).model_dump(mode="json")["alternating"]
    assert dumped == Alternating().model_dump(mode="json") | {"class_updates": 3}


def test_full_passes_go_forward_and_backward() -> None:
    assert Passes(attack=2, train=3, forward=7).full == 5


def test_a_shift_resizes_nothing() -> None:
    for change in ({"size": 8}, {"antialias": True}):
        with pytest.raises(ValidationError, match="use kind resized-crop"):
            Augment.model_validate(change)


def test_a_whole_radius_may_be_written_as_a_decimal() -> None:
    assert settings(rho_u=8.0).model_dump_json() == settings(rho_u=8).model_dump_json()
