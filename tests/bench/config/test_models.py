"""A cell's key is a hash of what decides its numbers and of nothing else; a label is what people read."""

from typing import Any, ClassVar

import pytest

from attacks.core.errors import RequestError
from attacks.core.settings import OwnTable, Section, SignSteps
from bench.config.load import load_protocol
from bench.config.models import NoiseCell, Setup, VictimCell, digest_of

INPUTS = {"dataset": "sha256:1", "method": "em-fu22/1", "stream": "set/test-v1"}
NUMBERS = {"noise": {"rho_u": 8}}
NOISE: dict[str, Any] = {"dataset": "set", "method": "em-fu22", "seed": 1, "protocol": "test-v1"}
NOISE |= {"inputs": INPUTS, "numbers": NUMBERS}
VICTIM: dict[str, Any] = NOISE | {"victim": "resnet18-w8", "rho_a": 4, "inputs": INPUTS | {"noise": "a"}}


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 2},
        {"numbers": {"noise": {"rho_u": 9}}},
        {"numbers": {}},
        *({"inputs": INPUTS | {name: "changed"}} for name in INPUTS),
    ],
)
def test_what_decides_a_noise_changes_its_key(change: dict[str, Any]) -> None:
    assert NoiseCell(**NOISE).key != NoiseCell(**(NOISE | change)).key


@pytest.mark.parametrize(
    "change",
    [
        {"victim": "resnet18-w16"},
        {"training": "fine-tune"},
        {"rho_a": 0},
        {"countermeasure": "cutout"},
        {"share": 80},
        {"part": "unprotected"},
        {"inputs": INPUTS | {"noise": "changed"}},
        {"numbers": {}},
    ],
)
def test_what_decides_a_victim_changes_its_key(change: dict[str, Any]) -> None:
    assert VictimCell(**VICTIM).key != VictimCell(**(VICTIM | change)).key


@pytest.mark.parametrize("change", [{"dataset": "other"}, {"protocol": "other"}])
def test_a_name_decides_nothing_but_by_what_it_stands_for(change: dict[str, Any]) -> None:
    assert NoiseCell(**NOISE).key == NoiseCell(**(NOISE | change)).key


def test_a_copy_with_another_field_has_another_key() -> None:
    cell = NoiseCell(**NOISE)
    assert cell.key != cell.model_copy(update={"seed": 2}).key == NoiseCell(**NOISE | {"seed": 2}).key


def test_a_tables_numbers_are_those_that_are_set_without_tables_inside_it() -> None:
    """So adding a number or a table changes no key of a cell that does not use it."""

    class Own(OwnTable):
        table: ClassVar[str] = "own"
        steps: int = 3

    class Before(Section):
        rate: float
        step: SignSteps

    class After(Before):
        more: int | None = None
        own: Own = Own()

    values = {"rate": 1.0, "step": {"steps": 1, "step": 0.5}}
    assert Before.model_validate(values).numbers() == After.model_validate(values).numbers() == values
    later = After.model_validate(values | {"another": {"steps": 4}})
    assert later.numbers() == values
    assert Own.of(later).numbers() == {"steps": 3}
    assert Own.of(Before.model_validate(values | {"own": {"steps": 4}})).steps == 4


def test_a_shared_table_has_one_of_four_names() -> None:
    with pytest.raises(
        RequestError, match=r"^unknown shared table 'noises'; did you mean 'noise'\? List a component's"
    ):
        load_protocol("smoke-v1").setup.shared("noises")


def test_key_depends_on_values_and_not_on_how_they_are_written() -> None:
    assert VictimCell(**VICTIM).key == VictimCell(**dict(reversed(VICTIM.items())) | {"rho_a": 4.0}).key


def test_key_is_for_ever() -> None:
    assert NoiseCell(**NOISE).key == "53e8e0ac1ca8010e8538577b843cddf1d3470a558e1f270c0bdca85a7c3d22db"
    assert VictimCell(**VICTIM).key == "7dcf131da3650d2b7a3df4a488f7544daf10885cb6f1bc65f7bd0a5e58477481"


def test_canonical_json_is_plain() -> None:
    assert digest_of({"b": [1, 2.5], "a": "é"}) == "1d5aa48ef9cd2b6be14efd77e6aa32fc7767713b66a7abf3c772a7863e7c199a"


def test_labels() -> None:
    assert NoiseCell(**NOISE).label == "set/em-fu22/noise/s1"
    assert VictimCell(**VICTIM).label == "set/em-fu22/resnet18-w8/r4-s1"
    assert VictimCell(**(VICTIM | {"rho_a": 0.5})).label == "set/em-fu22/resnet18-w8/r0.5-s1"
    other = {"share": 20, "part": "unprotected", "countermeasure": "cutout"}
    assert VictimCell(**(VICTIM | other)).label == "set/em-fu22/resnet18-w8/r4-s1-p20-unprotected-cutout"
    assert VictimCell(**(VICTIM | {"training": "fine-tune"})).label == "set/em-fu22/resnet18-w8/r4-s1-fine-tune"


@pytest.mark.parametrize("name", ["", "../up", ".hidden", "a/b", "a b", "x" * 81])
def test_name_that_is_no_file_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="dataset"):
        NoiseCell(**(NOISE | {"dataset": name}))


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        NoiseCell(**NOISE).seed = 3
    assert Setup.model_config["frozen"]
