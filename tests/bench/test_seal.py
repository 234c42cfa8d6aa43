"""The digest that closes a JSON file."""

import json

import pytest

from bench.seal import BrokenSealError, parse_sealed, seal, unseal

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


def test_a_digest_of_another_part_is_not_that_of_the_whole() -> None:
    text = b'{"a": {\n  "sha256": "None",\n  "b": 1}}'
    with pytest.raises(BrokenSealError, match="does not match its SHA-256"):
        parse_sealed(text)


def test_what_is_nested_too_deeply_was_not_sealed() -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_sealed(b'{"a": ' + b"[" * 100_000)
