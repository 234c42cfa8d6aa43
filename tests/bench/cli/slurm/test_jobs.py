"""Slurm jobs leave what a local run leaves, whatever happens to them."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.run.executors.slurm.ledger import queued

Bench = Any  # the classes in the folders' conftest.py
Cluster = Any
Ended = Any
Outcomes = Callable[[Path], dict[str, Any]]

SLURM = ("--executor", "slurm", "--jobs", "4")
NOISE, VICTIM = "dots/em-fu22/noise/s0", "dots/clean/resnet18-w8/r4-s0"
# A victim that trains for some seconds, in steps of a fraction of a second: it is stopped between two steps.
LONG = (
    *("--set", "methods=clean", "--set", "radii=4"),
    *("--set", "setup.victim.attack.steps=10", "--set", "setup.victim.steps=100"),
)
# With a batch of one 8x8 image, BatchNorm in the last stage gets one value per channel and refuses to train.
FAILS = ("--set", "methods=em", "--set", "setup.noise.batch=1")


@pytest.mark.slow
def test_records_are_those_of_a_local_run(
    first: tuple[Bench, Ended], empty: Bench, slurm: Cluster, outcomes: Outcomes
) -> None:
    assert empty.run(*SLURM).status == 0
    slurm.wait()
    assert len(outcomes(empty.results)) == 6
    assert outcomes(empty.results) == outcomes(first[0].results)
    stamps = empty.stamps()
    again = empty.run(*SLURM)
    assert again.status == 0
    assert "dots" in again.out  # the leaderboard
    assert slurm.queue() == []
    assert empty.stamps() == stamps


@pytest.mark.slow
def test_stopped_jobs_go_on_to_the_same_result(
    empty: Bench, slurm: Cluster, new_bench: Callable[[Path], Bench], tmp_path_factory: pytest.TempPathFactory,
    outcomes: Outcomes,
) -> None:  # fmt: skip
    whole = new_bench(tmp_path_factory.mktemp("whole"))
    assert whole.run(*LONG).status == 0

    def wait_for_victim(starts: int) -> str:
        """Wait until the victim has been started this many times and is running; return its job."""
        slurm.wait_for(lambda: begun(empty, VICTIM) == starts, f"the victim does not begin for the {starts}. time")
        time.sleep(0.5)
        (job,) = slurm.queue()
        return job

    def assert_unfinished() -> None:
        assert list(empty.cache.glob("unfinished/*.safetensors"))
        assert not list(empty.results.glob("records/**/*.json"))

    assert empty.run(*LONG, *SLURM).status == 0
    job = wait_for_victim(1)
    slurm.ask("scancel", job)
    slurm.wait()
    assert_unfinished()
    assert queued(empty.results) == set()

    assert empty.run(*LONG, *SLURM).status == 0
    job = wait_for_victim(2)
    slurm.ask("scontrol", "requeue", job)
    assert wait_for_victim(3) == job
    assert_unfinished()
    assert len(queued(empty.results)) == 1
    slurm.ask("scancel", "--signal=USR2", job)  # as Slurm does shortly before the time limit
    assert wait_for_victim(4) == job
    assert_unfinished()
    slurm.wait()
    assert outcomes(empty.results) == outcomes(whole.results)
    assert not list(empty.cache.glob("unfinished/*"))


def begun(bench: Bench, cell: str) -> int:
    """Return how often a cell was started, according to the logs."""
    return sum(log.read_text().count(f"start  {cell}\n") for log in bench.results.glob(".slurm/*/*.err"))


@pytest.mark.slow
def test_victims_of_a_noise_that_failed_do_not_wait(empty: Bench, slurm: Cluster, outcomes: Outcomes) -> None:
    assert empty.run(*FAILS, *SLURM).status == 0
    slurm.wait()
    (found,) = outcomes(empty.results).values()
    assert found["status"] == "failed"
    again = empty.run(*FAILS, *SLURM)
    assert again.status == 1
    assert "1 failed, 2 waiting for a failed noise" in again.err
    assert slurm.queue() == []


@pytest.mark.slow
def test_damaged_noise_is_made_again_once(
    first: tuple[Bench, Ended], bench: Bench, slurm: Cluster, outcomes: Outcomes
) -> None:
    (noise,) = bench.cache.glob("noise/dots/em-fu22/*.safetensors")
    content = noise.read_bytes()
    noise.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    shutil.rmtree(bench.results / "records" / "dots" / "em-fu22")
    assert bench.run(*SLURM).status == 0
    slurm.wait()
    assert outcomes(bench.results) == outcomes(first[0].results)
    assert [file.name for file in bench.cache.rglob("*.corrupt")] == [f"{noise.name}.corrupt"]


@pytest.mark.slow
def test_time_too_short_for_any_state_is_a_failure_in_the_end(empty: Bench, slurm: Cluster) -> None:
    empty.cache.mkdir()
    (empty.cache / "unfinished").symlink_to(empty.root / "gone")  # so no state can be kept
    endless = ("--set", "methods=em-fu22", "--set", "setup.noise.steps=100000")
    assert empty.run(*SLURM, *endless, "--only", "em-fu22/noise").status == 0
    (job,) = slurm.queue()
    for starts in (1, 2, 3):
        slurm.wait_for(lambda starts=starts: begun(empty, NOISE) == starts, "the noise does not begin")
        slurm.ask("scancel", "--signal=USR2", job)
    slurm.wait()
    (record,) = empty.results.glob("noise/**/*.json")
    assert json.loads(record.read_text())["error"].startswith("Slurm stopped it at start 3 without progress")
