import json

import pytest

from attacks.errors import RequestError
from bench.records.schema import NoiseRecord
from bench.records.upgrades import VERSION, opened, upgrade
from bench.seal import BrokenSealError

STEPS = {1: lambda data: {**data, "name": data["title"]}, 2: lambda data: {**data, "name": data["name"].upper()}}


def test_steps_run_in_order_and_leave_the_old_data_alone() -> None:
    old = {"schema_version": 1, "title": "a"}
    assert upgrade(old, version=3, upgrades=STEPS) == {"schema_version": 3, "title": "a", "name": "A"}
    assert old == {"schema_version": 1, "title": "a"}


def test_current_data_is_left_as_it_is() -> None:
    assert NoiseRecord.model_fields["schema_version"].default == VERSION
    assert upgrade({"schema_version": VERSION}) == {"schema_version": VERSION}


def test_older_records_have_no_seal_and_present_ones_must() -> None:
    old = {"schema_version": 1, "by": "me"}
    assert opened(old, b"") == {"schema_version": VERSION, "by": "me"}
    for changed in ({"schema_version": VERSION}, old | {"sha256": "0" * 64}):
        with pytest.raises(BrokenSealError):
            opened(changed, json.dumps(changed).encode())


def test_newer_data_is_refused() -> None:
    with pytest.raises(RequestError, match=r"made by a newer version .*; upgrade unlearnable-bench"):
        upgrade({"schema_version": VERSION + 1})


@pytest.mark.parametrize("version", [None, "1", True, 0, -1])
def test_data_without_a_known_version_is_no_record(version: object) -> None:
    with pytest.raises(ValueError, match="version"):
        upgrade({"schema_version": version})
