import pytest
from pydantic import ValidationError

from attacks.settings import NoiseSettings, Sgd, SignSteps


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


def test_a_whole_radius_may_be_written_as_a_decimal() -> None:
    assert settings(rho_u=8.0).model_dump_json() == settings(rho_u=8).model_dump_json()
