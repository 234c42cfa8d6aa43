"""The committed records: those of 0.1 keep every measured number, as cells of the current schema."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bench.config.models import digest_of

ROOT = Path(__file__).parents[3]
MEASURED = Path(__file__).with_name("measured-0.1.txt")


def measured(data: dict[str, Any]) -> str:
    """Return a digest of the names in a record and of all that was measured or noted, except who ran it."""
    names = {name: value for name, value in data["cell"].items() if name not in {"inputs", "numbers", "training"}}
    apart = {"cell", "schema_version", "sha256", "by"}
    return digest_of([names, {name: value for name, value in data.items() if name not in apart}])[:24]


@pytest.fixture(scope="module")
def records() -> list[dict[str, Any]]:
    files = [path for folder in ("noise", "records") for path in (ROOT / "results" / folder).rglob("*.json")]
    return [json.loads(path.read_text(encoding="utf-8")) for path in files]


def test_every_record_of_0_1_is_there_with_every_measured_number(records: list[dict[str, Any]]) -> None:
    """The digests were taken from the files as 0.1 had committed them."""
    wanted = MEASURED.read_text(encoding="utf-8").split()
    assert len(wanted) == len(set(wanted)) == 461
    assert set(wanted) <= {measured(data) for data in records}


def test_no_system_converts_the_bytes_that_digests_are_of() -> None:
    names = ["results/noise/a/b/s0-00000000.json", "results/releases/results-2026.12/leaderboard.csv"]
    done = subprocess.run(["git", "check-attr", "text", *names], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("no git repository")
    assert done.stdout.splitlines() == [f"{name}: text: unset" for name in names]


def test_every_record_says_what_decides_it(records: list[dict[str, Any]]) -> None:
    assert {data["schema_version"] for data in records} == {3}
    assert not any("unknown" in data["cell"]["numbers"] for data in records)
    noises = {data["digests"]["noise"] for data in records if data["cell"]["kind"] == "noise"}
    assert {data["digests"]["noise"] for data in records} == noises
