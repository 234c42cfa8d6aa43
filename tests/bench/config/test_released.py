"""A protocol never changes once a record names it: a correction is a new version beside the old one."""

import pytest

from bench.config.load import load_protocol, shipped
from bench.config.models import digest_of

# Of all numbers of each released protocol. Add a line for a new one; a line that is here must stay as it is.
RELEASED = {
    "lite-v1": "b3a546a7d05afc32",
    "paper-v1": "3997380f526f2ff5",
    "smoke-v1": "b9883716a69c8a13",
}


def digest(name: str) -> str:
    protocol = load_protocol(name).model_dump(mode="json", exclude={"name", "title"})
    return digest_of(protocol)[:16]


def test_every_shipped_protocol_is_released() -> None:
    assert shipped("protocols") == sorted(RELEASED)


@pytest.mark.parametrize("name", RELEASED)
def test_released_protocol_is_frozen(name: str) -> None:
    assert digest(name) == RELEASED[name], f"{name} is released and has changed: put the new numbers into a new version"
