"""The digest that closes a record."""

import json
from pathlib import Path

import numpy as np
import pytest

from bench.records.schema import VictimRecord
from bench.records.seal import BrokenSealError, seal, unseal
from bench.records.store import Store

DATA = {"schema_version": 2, "accuracy": 46.2, "by": "Zoë"}


def test_what_was_sealed_is_read_again() -> None:
    text = seal(DATA)
    assert unseal(json.loads(text), text) == DATA
    assert seal(json.loads(text)) == text
    windows = text.replace(b"\n", b"\r\n")
    assert unseal(json.loads(windows), windows) == DATA


@pytest.mark.parametrize(
    "text",
    [
        seal(DATA).replace(b"46.2", b"47.2"),
        seal(DATA).replace(b'"schema_version": 2', b'"schema_version": 1'),
        seal(DATA).replace(b"sha256", b"sha257"),
        seal(DATA).replace(b"  ", b" "),
        seal(DATA)[:-1],
        json.dumps(DATA).encode(),
    ],
)
def test_a_changed_text_is_found(text: bytes) -> None:
    with pytest.raises(BrokenSealError, match="does not match its SHA-256"):
        unseal(json.loads(text), text)


def test_older_records_have_no_seal() -> None:
    old = DATA | {"schema_version": 1}
    assert unseal(old, json.dumps(old).encode()) == old


def test_every_changed_byte_of_a_record_is_found(store: Store, victim: VictimRecord, tmp_path: Path) -> None:
    store.write(victim)
    path, random = store.path(victim.cell), np.random.default_rng(0)
    whole = path.read_bytes()
    for _ in range(300):
        place, flip = random.integers(len(whole)), random.integers(1, 256)
        path.write_bytes(whole[:place] + bytes([whole[place] ^ flip]) + whole[place + 1 :])
        assert store.read(victim.cell) is None
        assert not path.exists()
    assert len(list(path.parent.glob("*.corrupt"))) == 300
