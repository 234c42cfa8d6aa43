import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from attacks.core.errors import RequestError
from bench.records.trust import load_trust
from bench.seal import seal
from bench.validation.validate import validate

CLAIM = """
[[attestation]]
tier = "{tier}"
by = "Somebody"
date = 2026-02-01
how = "run again on another GPU"
records = \"\"\"
{lines}
\"\"\"
"""


@pytest.fixture
def results(tmp_path: Path, write_records: Callable[[Path], Path]) -> Path:
    return write_records(tmp_path)


def claim(results: Path, tier: str) -> str:
    """Attest a tier for one record and return the record's name."""
    path = next((results / "records").rglob("*.json"))
    name = path.relative_to(results).as_posix()
    line = f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}"
    with (results / "trust.toml").open("a") as file:
        file.write(CLAIM.format(tier=tier, lines=line))
    return name


def test_a_claim_holds_for_the_file_as_it_was(results: Path) -> None:
    name = claim(results, "re-run")
    trust = load_trust(results)
    assert trust.tier(results, name) == "re-run"
    assert [subject.tier for subject in validate(results).subjects].count("re-run") == 1
    assert validate(results).problems == 0
    claim(results, "verified")
    assert load_trust(results).tier(results, name) == "verified"

    path = results / name
    path.write_bytes(seal(json.loads(path.read_text()) | {"by": "someone else"}))
    assert load_trust(results).tier(results, name) == "self-reported"
    assert [str(finding) for finding in validate(results).findings] == [
        f"{path}: is missing or is not the file listed in trust.toml; restore it or remove its line from trust.toml"
    ]
    path.unlink()
    assert load_trust(results).tier(results, name) == "self-reported"


def test_a_byte_order_mark_is_no_part_of_the_claims(results: Path) -> None:
    name = claim(results, "re-run")
    text = (results / "trust.toml").read_text()
    (results / "trust.toml").write_text(text, encoding="utf-8-sig")
    assert load_trust(results).tier(results, name) == "re-run"


@pytest.mark.parametrize(
    ("commit", "dirty", "said"), [(None, None, "unknown"), ("0" * 40, True, "modified working tree")]
)
def test_what_is_trusted_more_comes_from_a_known_commit(
    results: Path, commit: str | None, dirty: bool | None, said: str
) -> None:
    for path in (results / "records").rglob("*.json"):
        data = json.loads(path.read_text())
        data["environment"] |= {"commit": commit, "dirty": dirty}
        path.write_bytes(seal(data))
    found = validate(results)
    assert len(found.findings) == 8
    assert all(said in finding.what for finding in found.findings)
    assert found.problems == 0
    name = claim(results, "re-run")
    assert [str(finding.path) for finding in validate(results).findings if not finding.warning] == [str(results / name)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("attestation = 3", "attestation"),
        ("[[attestation", "cannot read"),
        (CLAIM.format(tier="self-reported", lines=""), "tier"),
        (CLAIM.format(tier="verified", lines="records/a.json"), "not a line of sha256sum"),
        (CLAIM.format(tier="verified", lines=f"{'0' * 64}  records/../../a.json"), "not a line of sha256sum"),
        (CLAIM.format(tier="verified", lines=f"{'0' * 64}  /etc/a.json"), "not a line of sha256sum"),
    ],
)
def test_a_broken_file_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "trust.toml").write_text(text)
    with pytest.raises(RequestError, match=said) as caught:
        load_trust(tmp_path)
    assert "\n" not in str(caught.value)
