"""A stopped run loses nothing that was finished, and the next run resumes it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest

Bench = Any  # the class in conftest.py

# A victim that trains for some seconds, in steps of a fraction of a second: a run stops between two steps.
LONG = (
    *("--set", "methods=clean", "--set", "radii=4"),
    *("--set", "setup.victim.attack.steps=10", "--set", "setup.victim.steps=50"),
)
NOISE, VICTIM = "dots/clean/noise/s0", "dots/clean/resnet18-w8/r4-s0"


def start(bench: Bench) -> "subprocess.Popen[str]":
    """Start a run in its own process group, and wait until it is in the middle of the victim."""
    command = [sys.executable, "-m", "bench", *bench.words("run", *LONG)]
    run = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, cwd=bench.root
    )
    assert run.stderr
    read_until(f"start  {VICTIM}", run.stderr)
    time.sleep(0.4)
    return run


def read_until(text: str, stream: IO[str]) -> None:
    assert any(text in line for line in stream), "the stream ended before"


def alive(group: int) -> bool:
    """Return whether any process of a group is still running, not counting zombies."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, found = stat.read_text().rpartition(")")[2].split()[:3]
        except (OSError, ValueError):
            continue  # it ended meanwhile
        if int(found) == group and state != "Z":
            return True
    return False


def wait_for_end_of(group: int) -> None:
    until = time.monotonic() + 60
    while alive(group):
        assert time.monotonic() < until, "a worker outlived its runner"
        time.sleep(0.1)


def outcome(bench: Bench) -> Any:
    """Return the outcome of the victim."""
    data = json.loads(bench.record("records/dots/clean/*/r4-*.json").read_text())
    passes = {phase: cost["passes"] for phase, cost in data["costs"].items()}
    return data["status"], data["metrics"], data["curve"], data["digests"], passes


def assert_unfinished(bench: Bench) -> None:
    """Check that a run was stopped in the middle of the victim: its state is kept, and it has no record."""
    assert list(bench.cache.glob("unfinished/*.safetensors"))
    assert not list(bench.results.glob("records/**/*.json"))  # not even of a failure: nothing was wrong with it


@pytest.mark.slow
@pytest.mark.usefixtures("one_core")
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to watch the workers")
def test_stopped_runs_go_on_to_the_same_result(
    empty: Bench, new_bench: Callable[[Path], Bench], tmp_path_factory: pytest.TempPathFactory
) -> None:
    killed = start(empty)
    killed.kill()
    killed.communicate()
    wait_for_end_of(killed.pid)
    assert_unfinished(empty)
    noise = empty.record("noise/dots/clean/*.json").stat().st_mtime_ns

    interrupted = start(empty)
    os.killpg(interrupted.pid, signal.SIGINT)  # as Ctrl-C does: the workers get it too
    out, err = interrupted.communicate(timeout=60)
    assert interrupted.returncode == 130
    assert out == ""
    assert err == "interrupted: 1 of 2 cells left; repeat the command to resume\n"
    wait_for_end_of(interrupted.pid)
    assert_unfinished(empty)

    after = empty.run(*LONG)
    assert after.status == 0
    assert after.began == [NOISE, VICTIM]
    assert empty.record("noise/dots/clean/*.json").stat().st_mtime_ns == noise
    assert not list(empty.cache.glob("unfinished/*"))

    whole = new_bench(tmp_path_factory.mktemp("whole"))
    assert whole.run(*LONG).status == 0
    assert outcome(empty) == outcome(whole)
