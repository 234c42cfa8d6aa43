"""On a disk that is full a run ends in one line, leaves nothing half-written, and goes on once there is space."""

import dataclasses
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Site = Any  # the class in conftest.py

pytestmark = pytest.mark.slow

SIZE = 1 << 20  # bytes
# Free bytes at which the tiny grid, which writes about a hundred thousand, comes to its end in different places.
FREE = (0, 20_000, 40_000, 65_000, 90_000)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Give a small file system of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", str(folder)], capture_output=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a small file system can be mounted by root only")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_at_several_points(
    tiny: Callable[[], Site], disk: Path, count: Callable[[str], None], *, all_faults: bool
) -> None:
    whole = tiny()
    whole.run()
    places = set()
    for free in FREE if all_faults else FREE[1::2]:
        site = dataclasses.replace(tiny(), root=disk / str(free))
        filler = disk / "filler"
        filler.write_bytes(bytes(SIZE - 4096 - free - sum(_blocks(path) for path in disk.rglob("*"))))
        run = site.start()
        _, said = run.communicate()
        assert run.returncode == 2, said
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


def _blocks(path: Path) -> int:
    return path.stat().st_blocks * 512
