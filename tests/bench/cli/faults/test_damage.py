"""Files damaged on disk are detected and set aside, and their content is made again."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Site = Any  # the class in conftest.py

pytestmark = pytest.mark.slow


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Return a file's content with one byte changed, or cut short."""
    place = chance.randrange(len(content))
    if chance.random() < 0.3:
        return content[:place]
    other = bytes([content[place] ^ chance.randrange(1, 256)])
    if other.isspace() and content[place : place + 1].isspace():  # the one harmless damage: other whitespace
        return damaged(content, chance)
    return content[:place] + other + content[place + 1 :]


def files_of(site: Site) -> list[Path]:
    """Return the files of records, noises, states and decoded images."""
    parts = (site.results / "records", site.results / "noise", site.cache)
    kinds = {".json", ".safetensors"}
    found = [path for part in parts for path in sorted(part.rglob("*")) if path.suffix in kinds]
    return [path for path in found if path.name != "rates.json"]  # speeds, on which no result depends


def test_damaged_files_are_found_and_made_again(
    tiny: Callable[[], Site], count: Callable[[str], None], *, all_faults: bool
) -> None:
    site, chance = tiny(), random.Random(2)
    site.run()
    expected = site.outcome()
    # the state of an interrupted victim
    only = ("--only", "clean/resnet18-w8/r4")
    cut = tiny()
    shutil.copytree(site.cache, cut.cache)
    stopped = cut.start("--time-limit", "0.01", *only)
    stopped.communicate()
    assert stopped.returncode == 1
    (state,) = cut.cache.glob("unfinished/*.safetensors")
    tried = found = 0
    while tried < (100 if all_faults else 10):
        for path in files_of(site):
            path.write_bytes(damaged(path.read_bytes(), chance))
            tried += 1
        said = site.run()
        assert site.outcome() == expected
        found += said.count("kept as") + said.count("set aside as")

        whole = state.read_bytes()
        state.write_bytes(damaged(whole, chance))
        tried += 1
        said = cut.run("--retry", "timeout", *only)
        found += said.count("kept as")
        state.write_bytes(whole)
        (record,) = cut.results.glob("records/*/clean/*/r4-*.json")
        assert {label: expected[label] for label in cut.outcome()} == cut.outcome()
        record.unlink()
    assert found == tried
    count(f"bytes changed or cut off in stored files: {tried}, found out: {found}, used: 0")
