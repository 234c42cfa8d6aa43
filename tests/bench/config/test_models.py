"""A cell's key is a hash of all that can change its result; a label is what people read."""

from typing import Any

import pytest

from bench.config.models import NoiseCell, Setup, VictimCell, digest_of

INPUTS = {"dataset": "sha256:1", "method": "em-fu22/1", "setup": "2"}
NOISE: dict[str, Any] = {"dataset": "set", "method": "em-fu22", "seed": 1, "protocol": "test-v1", "inputs": INPUTS}
VICTIM: dict[str, Any] = NOISE | {"victim": "resnet18-w8", "rho_a": 4, "inputs": {"noise": "a", "setup": "b"}}


@pytest.mark.parametrize(
    "change",
    [
        {"dataset": "other"},
        {"method": "sem-liu24"},
        {"seed": 2},
        {"protocol": "test-v2"},
        *({"inputs": INPUTS | {name: "changed"}} for name in INPUTS),
    ],
)
def test_every_part_of_a_noise_changes_its_key(change: dict[str, Any]) -> None:
    assert NoiseCell(**NOISE).key != NoiseCell(**(NOISE | change)).key


@pytest.mark.parametrize(
    "change",
    [
        {"victim": "resnet18-w16"},
        {"rho_a": 0},
        {"countermeasure": "cutout"},
        {"share": 80},
        {"part": "unprotected"},
        {"inputs": {"noise": "changed", "setup": "b"}},
        {"inputs": {"noise": "a", "setup": "changed"}},
    ],
)
def test_every_part_of_a_victim_changes_its_key(change: dict[str, Any]) -> None:
    assert VictimCell(**VICTIM).key != VictimCell(**(VICTIM | change)).key


def test_key_depends_on_values_and_not_on_how_they_are_written() -> None:
    assert VictimCell(**VICTIM).key == VictimCell(**dict(reversed(VICTIM.items())) | {"rho_a": 4.0}).key


def test_key_is_for_ever() -> None:
    assert NoiseCell(**NOISE).key == "6a49b841fc7fa0a4994847905c8d58c357ca7a6b23ed416b495146012d7b902c"
    assert VictimCell(**VICTIM).key == "ac64e5b6e447d3efd455c87ea917122916f20a169b29f63284f69fa65b0c5c71"


def test_canonical_json_is_plain() -> None:
    assert digest_of({"b": [1, 2.5], "a": "é"}) == "1d5aa48ef9cd2b6be14efd77e6aa32fc7767713b66a7abf3c772a7863e7c199a"


def test_labels() -> None:
    assert NoiseCell(**NOISE).label == "set/em-fu22/noise/s1"
    assert VictimCell(**VICTIM).label == "set/em-fu22/resnet18-w8/r4-s1"
    assert VictimCell(**(VICTIM | {"rho_a": 0.5})).label == "set/em-fu22/resnet18-w8/r0.5-s1"
    other = {"share": 20, "part": "unprotected", "countermeasure": "cutout"}
    assert VictimCell(**(VICTIM | other)).label == "set/em-fu22/resnet18-w8/r4-s1-p20-unprotected-cutout"


@pytest.mark.parametrize("name", ["", "../up", ".hidden", "a/b", "a b", "x" * 81])
def test_name_that_is_no_file_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="dataset"):
        NoiseCell(**(NOISE | {"dataset": name}))


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        NoiseCell(**NOISE).seed = 3
    assert Setup.model_config["frozen"]
