import json

import pytest

from attacks.core.errors import RequestError
from bench.records.schema import NoiseRecord
from bench.records.upgrades import VERSION, Upgrader, in_steps
from bench.seal import BrokenSealError

STEPS = {1: lambda data: {**data, "name": data["title"]}, 2: lambda data: {**data, "name": data["name"].upper()}}


def test_steps_run_in_order_and_leave_the_old_data_alone() -> None:
    old = {"schema_version": 1, "title": "a"}
    assert in_steps(old, 3, STEPS) == {"schema_version": 3, "title": "a", "name": "A"}
    assert old == {"schema_version": 1, "title": "a"}


def test_current_data_is_left_as_it_is() -> None:
    assert NoiseRecord.model_fields["schema_version"].default == VERSION
    assert Upgrader().upgrade({"schema_version": VERSION}) == {"schema_version": VERSION}


def test_a_record_of_version_1_has_no_seal_and_later_ones_must() -> None:
    cell = {"kind": "noise", "dataset": "d", "method": "clean", "seed": 0, "protocol": "p", "inputs": {}}
    old = {"schema_version": 1, "by": "me", "cell": cell}
    assert Upgrader().opened(old, b"")["schema_version"] == VERSION
    for changed in ({"schema_version": 2}, {"schema_version": VERSION}, old | {"sha256": "0" * 64}):
        with pytest.raises(BrokenSealError):
            Upgrader().opened(changed, json.dumps(changed).encode())


def test_newer_data_is_refused() -> None:
    with pytest.raises(RequestError, match=r"made by a newer version .*; upgrade unlearnable-bench"):
        Upgrader().upgrade({"schema_version": VERSION + 1})


@pytest.mark.parametrize("version", [None, "1", True, 0, -1])
def test_data_without_a_known_version_is_no_record(version: object) -> None:
    with pytest.raises(ValueError, match="version"):
        Upgrader().upgrade({"schema_version": version})


@pytest.mark.parametrize("cell", [None, 3, {}, {"kind": "noise"}, {"kind": "victim", "inputs": {"noise": 3}}])
def test_older_data_without_a_cell_is_no_record(cell: object) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Upgrader().upgrade({"schema_version": 2, "cell": cell})
