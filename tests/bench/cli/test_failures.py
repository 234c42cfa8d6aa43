"""A cell that fails is recorded with the reason, and the others finish."""

import json
import multiprocessing
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Bench = Any  # the classes in conftest.py
Ended = Any

# With a batch of one 8x8 image, BatchNorm in the last stage gets one value per channel and refuses to train;
# at radius 4, each of the victim's steps takes long enough for its worker to be killed meanwhile.
FAILS = ("--set", "setup.noise.batch=1", "--set", "setup.victim.attack.steps=400", "--set", "setup.victim.steps=20")
NOISE, KILLED = "dots/em-fu22/noise/s0", "dots/clean/resnet18-w8/r4-s0"


def has_victim(results: Path) -> bool:
    """Return whether both noises have their records, and a cell that is no noise has a lease."""
    noises = {path.stem[-8:] for path in results.glob("noise/*/*/*.json")}
    return len(noises) == 2 and bool({path.stem[:8] for path in results.glob(".leases/*.lock")} - noises)


def kill_worker(results: Path, killed: list[int]) -> None:
    """Wait until the worker has gone on to the longest victim, after both noises, and kill it."""
    until = time.monotonic() + 60
    while not has_victim(results):
        if time.monotonic() > until:
            return  # the test finds that nothing was killed
        time.sleep(0.05)
    time.sleep(0.5)  # the lease is taken before the worker gets the cell
    for child in multiprocessing.active_children():
        killed.append(child.pid)
        os.kill(child.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def failing(new_bench: Callable[[Path], Bench], tmp_path_factory: pytest.TempPathFactory) -> tuple[Bench, Ended]:
    """A run in which a noise fails and a victim's worker is killed."""
    bench = new_bench(tmp_path_factory.mktemp("failing"))
    killed: list[int] = []
    killer = threading.Thread(target=kill_worker, args=(bench.results, killed))
    killer.start()
    result = bench.run(*FAILS)
    killer.join()
    assert len(killed) == 1
    return bench, result


def record(bench: Bench, pattern: str) -> Any:
    return json.loads(bench.record(pattern).read_text())


@pytest.mark.slow
def test_others_finish(failing: tuple[Bench, Ended]) -> None:
    bench, run = failing
    assert run.status == 1
    assert record(bench, "records/dots/clean/*/r0-*.json")["status"] == "ok"
    assert "dots" in run.out  # the leaderboard of the cells that finished


def test_failed_noise_is_recorded_with_its_reason_and_its_victims_wait(failing: tuple[Bench, Ended]) -> None:
    bench, run = failing
    failed = record(bench, "noise/dots/em-fu22/*.json")
    assert failed["status"] == "failed"
    assert failed["error"].startswith("ValueError: Expected more than 1 value per channel")
    assert "Traceback" in failed["error"]
    assert not [label for label in run.began if "em-fu22/resnet" in label]
    assert f"failed {NOISE}: ValueError: Expected more than 1 value per channel" in run.err
    assert "Traceback" not in run.err
    assert "2 failed, 2 waiting for a failed noise; --retry failed reruns them" in run.err


def test_killed_worker_fails_its_cell_only(failing: tuple[Bench, Ended]) -> None:
    bench, run = failing
    failed = record(bench, "records/dots/clean/*/r4-*.json")
    assert failed["status"] == "failed"
    assert "its worker died (exit status -9)" in failed["error"]
    assert f"failed: {KILLED}" in run.err


def test_next_run_leaves_failures_alone(failing: tuple[Bench, Ended]) -> None:
    bench, _ = failing
    before = bench.stamps()
    for more in ((), ("--only", "em-fu22/resnet18-w8/r0")):
        again = bench.run(*FAILS, *more)
        assert again.status == 1
        assert not again.began
    assert bench.stamps() == before
    status = bench.do("status", *FAILS)
    assert status.status == 1
    assert "2 done, 0 running, 0 queued, 0 to do, 2 waiting, 2 failed" in status.out
    assert f"failed: {NOISE}: ValueError: Expected more than 1 value" in status.out
    (path,) = re.findall(rf"^failed: {NOISE}: .*; more in (.*)$", status.out, flags=re.MULTILINE)
    assert "Traceback" in Path(path).read_text(encoding="utf-8")


def test_retry_makes_failures_again(failing: tuple[Bench, Ended]) -> None:
    bench, _ = failing
    before = bench.record("noise/dots/em-fu22/*.json").stat().st_mtime_ns
    again = bench.run(*FAILS, "--only", "em-fu22", "--retry", "failed")
    assert again.status == 1
    assert again.began == [NOISE]
    assert bench.record("noise/dots/em-fu22/*.json").stat().st_mtime_ns > before


def test_diverged_victim_fails(empty: Bench) -> None:
    run = empty.run("--set", "methods=clean", "--set", "radii=0", "--set", "setup.victim.sgd.lr=1e30")
    assert run.status == 1
    failed = record(empty, "records/dots/clean/*/r0-*.json")
    assert failed["status"] == "failed"
    assert failed["error"].startswith("training diverged: ")
    assert failed["metrics"] is None
    assert record(empty, "noise/dots/clean/*.json")["status"] == "ok"


def test_a_surrogate_that_cannot_be_trained_fails_its_noise_only(empty: Bench) -> None:
    """The last batch of an epoch is a single image of 8 pixels, on which a BatchNorm cannot be trained."""
    run = empty.run("--set", "methods=clean,gue", "--set", "radii=0", "--set", "setup.noise.gue.batch=41")
    assert run.status == 1
    failed = record(empty, "noise/dots/gue-liu24/*.json")
    assert failed["error"].startswith("42 images in batches of 41 leave a single one for the last batch of an epoch")
    assert "Traceback" not in failed["error"]
    assert record(empty, "records/dots/clean/*/r0-*.json")["status"] == "ok"


def test_noise_that_cannot_be_made_again_fails_for_its_own_reason(bench: Bench) -> None:
    """The record of its earlier success stays, and its victim remains to be done."""
    (noise,) = bench.cache.glob("noise/dots/em-fu22/*.safetensors")
    noise.unlink()
    before = bench.record("noise/dots/em-fu22/*.json").read_bytes()
    bench.record("records/dots/em-fu22/*/r4-*.json").unlink()
    run = bench.run("--time-limit", "0.000001")
    assert run.status == 1
    assert run.began == [NOISE]
    assert f"failed {NOISE}: TimeLimitError: " in run.err
    assert "1 still missing: their noise could not be regenerated, or differs from its record" in run.err
    assert bench.record("noise/dots/em-fu22/*.json").read_bytes() == before
    assert bench.run().status == 0


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "full"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4k", "none", str(folder)]
    try:
        subprocess.run(mount, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("only root can mount a small file system")
    try:
        (folder / "filler").write_bytes(bytes(4096))
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_full_disk_ends_the_run_with_one_line(bench: Bench, full_disk: Path) -> None:
    run = bench.run("--results", str(full_disk / "results"), "--only", "clean/noise")
    assert run.status == 2
    *_, last = run.err.splitlines()
    assert last.startswith(f"error: cannot write {full_disk}")
    assert "No space left on device" in last
    assert not [path for path in full_disk.rglob("*") if path.is_file() and path.name != "filler"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write into any folder")
def test_folder_that_cannot_be_written_ends_the_run_with_one_line(bench: Bench, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    run = bench.run("--results", str(closed), "--only", "clean/noise")
    assert run.status == 2
    assert run.err.splitlines()[-1].startswith(f"error: cannot write {closed}")
