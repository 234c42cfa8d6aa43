"""On a full disk a run ends with one line, leaves nothing half-written, and resumes once there is space."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Site = Any  # the class in conftest.py

pytestmark = pytest.mark.slow

# Free bytes at which the tiny grid, which writes about a hundred thousand, stops in different places.
FREE = (0, 20_000, 40_000, 65_000, 90_000)


def test_a_full_disk_at_several_points(
    tiny: Callable[[], Site],
    disk: Path,
    fill: Callable[[int], Path],
    count: Callable[[str], None],
    *,
    all_faults: bool,
) -> None:
    whole = tiny()
    whole.run()
    places = set()
    for free in FREE if all_faults else FREE[1::2]:
        site = dataclasses.replace(tiny(), root=disk / str(free))
        filler = fill(free)
        run = site.start()
        _, said = run.communicate()
        is_over = "the run is over and its records are kept" in said  # only the leaderboard did not fit
        assert run.returncode == (1 if is_over else 2), said
        assert said.count("error: ") == 1
        last = said.splitlines()[-1]
        assert "No space left on device" in last
        assert "Traceback" not in said
        places.add(last.partition("cannot write ")[2].partition(str(site.root))[2].partition(":")[0].split()[0])
        assert not site.leftovers()
        assert site.outcome().items() <= whole.outcome().items()  # every record that is there can be read
        filler.unlink()
        site.run()
        assert site.outcome() == whole.outcome()
    assert len(places) >= (3 if all_faults else 2), places
    count(f"disk full: at {len(places)} points one line each, and gone on with to the same records")
