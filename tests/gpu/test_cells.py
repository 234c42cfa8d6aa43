"""Whole cells, as in a run: the same twice, and the same when cut into pieces."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from attacks.core.errors import StoppedError
from bench.config.load import load_grid
from bench.data import Places
from bench.records.schema import Record
from bench.run.cell import run_cell
from bench.run.plan import make_plan
from bench.run.workplace import Workplace

CELLS = (
    "methods=sem-liu24",
    "victims=resnet18-w8",
    "radii=[4]",
    "setup.noise.steps=6",
    "setup.noise.batch=32",
    "setup.noise.descent.steps=3",
    "setup.victim.steps=8",
    "setup.victim.batch=32",
    "setup.victim.evaluate_every=4",
    "setup.victim.robust_images=32",
)
OFFERS = 3  # of its state that a piece of work makes before it is stopped


class Ran(NamedTuple):
    """The records of a noise and of a victim, and how often they were stopped."""

    records: list[Record]
    stops: int


class StopAfter:
    """Tells the work to stop when it has asked `offers` times."""

    def __init__(self, offers: int | None) -> None:
        self._left = offers

    def __call__(self) -> bool:
        if self._left is None:
            return False
        self._left -= 1
        return self._left == 0


@pytest.fixture(scope="module")
def dots(tmp_path_factory: pytest.TempPathFactory, write_tree: Callable[..., Path]) -> Path:
    counts = {"train/ant": 50, "train/bee": 50, "test/ant": 20, "test/bee": 20}
    return write_tree(tmp_path_factory.mktemp("images") / "dots", counts, size=(32, 32))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_cells_are_the_same_again_and_in_pieces(
    precision: str, dots: Path, device: torch.device, tmp_path: Path
) -> None:
    def ran(name: str, offers: int | None) -> Ran:
        places = Places(data=tmp_path / "data", cache=tmp_path / name / "cache")
        here = Workplace(results=tmp_path / name, places=places, device=str(device), threads=1, by="test")
        changes = [f"datasets=folder:{dots}", f"setup.precision={precision}", *CELLS]
        found, stops = [], 0
        for job in make_plan(*load_grid("smoke", changes), places).jobs:
            while True:
                try:
                    found.append(run_cell(job, here, lambda _done, _all: None, StopAfter(offers)))
                except StoppedError:
                    stops += 1
                    torch.cuda.empty_cache()  # as in the new process that resumes
                    continue
                break
        return Ran(found, stops)

    whole, again, pieces = ran("whole", None), ran("again", None), ran("pieces", OFFERS)
    assert [record.status for record in whole.records] == ["ok", "ok"], whole.records
    assert [record.environment.eager for record in whole.records] == [None, None]
    assert (whole.stops, again.stops) == (0, 0)
    assert pieces.stops >= 4
    for one, other, cut in zip(whole.records, again.records, pieces.records, strict=True):
        assert one.digests == other.digests == cut.digests
        assert one.metrics == other.metrics == cut.metrics
        assert getattr(one, "curve", ()) == getattr(other, "curve", ()) == getattr(cut, "curve", ())
    assert len(getattr(whole.records[1], "curve", ())) == 2


def test_a_run_uses_the_device_in_processes_of_its_own(dots: Path, device: torch.device, tmp_path: Path) -> None:
    words = ["run", "--results", str(tmp_path / "results"), "--cache", str(tmp_path), "--device", str(device)]
    changes = [word for change in (f"datasets=folder:{dots}", *CELLS) for word in ("--set", change)]
    command = [sys.executable, "-m", "bench", *words, "--jobs", "2", *changes]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
