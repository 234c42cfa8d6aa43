"""What decides a cell's numbers."""

from typing import Any, ClassVar

import pytest

from attacks.core.errors import RequestError
from attacks.core.settings import OwnTable
from bench.config.cells import numbers_of
from bench.config.load import load_protocol


class Needy(OwnTable):
    """The numbers of a component from another package, one of them without a default."""

    table: ClassVar[str] = "needy"

    strength: float
    rounds: int = 3


def numbers(needy: dict[str, Any]) -> dict[str, Any]:
    setup = load_protocol("smoke-v1").setup
    noise = setup.noise.model_copy(update={"needy": needy} if needy else {})
    return numbers_of((Needy,), setup.model_copy(update={"noise": noise}), "noise")


def test_numbers_are_those_of_the_protocol_or_the_defaults() -> None:
    assert numbers({"strength": 2}) == {"noise.needy": {"strength": 2.0, "rounds": 3}}


@pytest.mark.parametrize(
    ("needy", "said"),
    [
        ({}, "strength: is missing; add it"),
        ({"strength": "much"}, "strength: must be a number, not 'much'"),
        ({"strength": True}, "strength: must be a number, not true or false"),
        ({"strength": 1, "round": 2}, "unknown key 'round'; did you mean 'rounds'?"),
    ],
)
def test_what_is_wrong_with_them_is_one_line(needy: dict[str, Any], said: str) -> None:
    with pytest.raises(RequestError) as caught:
        numbers(needy)
    assert str(caught.value).startswith(f"[setup.noise.needy] of the protocol: {said}")
