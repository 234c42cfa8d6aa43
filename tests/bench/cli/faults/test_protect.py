"""`protect` under faults: its output folder is whole or absent, and the originals are unchanged."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.slow

IMAGES = 150
PACKET = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator><rdf:Seq><rdf:li>Zoe</rdf:li></rdf:Seq>'
    b"</dc:creator></rdf:Description></rdf:RDF></x:xmpmeta>"
)
Found = dict[str, tuple[bytes, int]]


@dataclass(frozen=True)
class Owner:
    """A folder of photographs with much metadata, and the runs that protect it."""

    images: Path
    cache: Path
    runs: list["subprocess.Popen[str]"] = field(default_factory=list)

    def start(self, out: Path, *more: str) -> "subprocess.Popen[str]":
        command = (sys.executable, "-m", "bench", "protect", str(self.images), str(out), "--method", "random")
        places = ("--cache", str(self.cache), "--results", str(self.images), "--device", "cpu")  # no records
        run = subprocess.Popen(
            (*command, *places, *more),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.runs.append(run)
        return run

    def run(self, out: Path, *more: str) -> Found:
        """Protect to the end, and return the files that were written."""
        run = self.start(out, *more)
        _, said = run.communicate()
        assert run.returncode == 0, said
        return files(out)


def files(folder: Path) -> Found:
    """Return the content and modification time of every file in a folder, by name."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns) for path in paths}


def contents(found: Found) -> dict[str, bytes]:
    return {name: content for name, (content, _) in found.items()}


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    random, exif = np.random.default_rng(0), Image.Exif()
    exif[0x013B], exif[0x8298] = "Zoe", "(c) Zoe"
    exif.get_ifd(0x8769)[0x927C] = bytes(20_000)  # a MakerNote
    for number in range(IMAGES):
        path = folder / f"{'ab'[number % 2]}/{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(random.integers(0, 256, (32, 32, 3), dtype=np.uint8))
        image.save(path, exif=exif.tobytes(), xmp=PACKET)
    return folder


@pytest.fixture
def owner(photographs: Path, tmp_path: Path, one_core: None) -> Iterator[Owner]:
    """Yield the owner, and check at the end that the originals are unchanged."""
    made, before = Owner(photographs, tmp_path / "cache"), files(photographs)
    yield made
    for run in made.runs:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
        run.communicate()
    assert files(photographs) == before, "an original was touched"


@pytest.fixture(scope="module")
def whole(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return what a run without a fault writes."""
    folder = tmp_path_factory.mktemp("alone")
    return contents(Owner(photographs, folder / "cache").run(folder / "out"))


def test_two_runs_on_one_folder(
    owner: Owner, whole: dict[str, bytes], tmp_path: Path, count: Callable[[str], None], *, all_faults: bool
) -> None:
    pairs = 6 if all_faults else 1
    for number in range(pairs):
        out, seeds = tmp_path / f"out-{number}", ("00", "01")[number % 2]  # with the same seed they share their state
        if number % 3 == 2:
            out.mkdir()
        runs = [owner.start(out, "--seed", seed) for seed in seeds]
        said = [run.communicate()[1] for run in runs]
        assert sorted(run.returncode for run in runs) == [0, 2], said
        won = next(number for number, run in enumerate(runs) if run.returncode == 0)
        written = contents(files(out))
        assert written.keys() == whole.keys()
        assert (written == whole) == (seeds[won] == "0")
        lost = said[1 - won].splitlines()[-1]
        assert lost.startswith((f"error: {out} was filled by another program", f"error: {out} is not empty"))
        assert not list(tmp_path.glob(".*"))
    count(f"two `protect` runs on one folder: {pairs} times, one wrote it whole and the other said so in one line")


def test_a_full_disk_while_pngs_are_written(
    owner: Owner,
    whole: dict[str, bytes],
    disk: Path,
    fill: Callable[[int], Path],
    count: Callable[[str], None],
    *,
    all_faults: bool,
) -> None:
    points = (0, 20_000, 200_000, 400_000) if all_faults else (200_000,)
    assert sum(4096 * -(-len(content) // 4096) for content in whole.values()) > max(points)
    for free in points:
        filler = fill(free)
        run = owner.start(disk / "out")
        _, said = run.communicate()
        assert run.returncode == 2, said
        assert said.count("error: ") == 1
        assert "No space left on device" in said.splitlines()[-1]
        assert "Traceback" not in said
        assert [path.name for path in disk.iterdir()] == ["filler"]
        filler.unlink()
    assert contents(owner.run(disk / "out")) == whole
    count(f"disk full while `protect` writes PNGs: {len(points)} points, one line each, nothing half-written")


def test_killed_while_metadata_is_copied(
    owner: Owner, whole: dict[str, bytes], tmp_path: Path, count: Callable[[str], None], *, all_faults: bool
) -> None:
    kills = 15 if all_faults else 1
    (tmp_path / "kept").mkdir()
    out = tmp_path / "kept/out"
    hits = 0
    for number in range(kills):
        run = owner.start(out)
        enough = IMAGES // 3 if kills == 1 else 1 + number * IMAGES // kills
        while run.poll() is None and sum(1 for _ in out.parent.glob(".out.*/*/*.png")) < enough:
            time.sleep(0.001)
        with contextlib.suppress(ProcessLookupError):  # it has already ended
            os.killpg(run.pid, signal.SIGKILL)
        run.communicate()
        hits += run.returncode == -signal.SIGKILL
        if run.returncode == 0:
            assert contents(files(out)) == whole
            out.rename(tmp_path / f"done-{number}")
        assert not out.exists()
    assert hits
    assert contents(owner.run(out)) == whole
    assert [path.name for path in out.parent.iterdir()] == ["out"], "what a killed run left is still there"
    count(f"kill -9 while `protect` copies metadata: {hits} of {kills} times while it wrote; the next run was whole")
