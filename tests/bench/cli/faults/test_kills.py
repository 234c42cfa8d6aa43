"""Killed by force at random moments, a run loses nothing that was finished and ends with the same results."""

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Site = Any  # the class in conftest.py

pytestmark = pytest.mark.slow


def children(pid: int) -> list[int]:
    """Return the worker processes of a runner."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            ours = int(stat.read_text().rpartition(")")[2].split()[1]) == pid
            command = (stat.parent / "cmdline").read_text()
        except (OSError, ValueError):
            continue  # it ended meanwhile
        if ours and "spawn_main" in command:
            found.append(int(stat.parent.name))
    return found


def whole_run(site: Site) -> tuple[dict[str, Any], float]:
    """Run without a fault, and return the outcome and the seconds it took."""
    began = time.monotonic()
    site.run()
    return site.outcome(), time.monotonic() - began


def test_runner_killed_at_random_moments(
    killed: Callable[[], Site], count: Callable[[str], None], *, all_faults: bool
) -> None:
    expected, seconds = whole_run(killed())
    site, kills, random_moment = killed(), 20 if all_faults else 3, random.Random(0)
    finished: dict[Path, bytes] = {}
    hits = 0
    for n in range(kills):
        run = site.start()
        time.sleep(random_moment.uniform(0, 2 * seconds / kills))
        hits += run.poll() is None
        if n % 2:
            run.kill()  # its workers notice by themselves
        else:
            with contextlib.suppress(ProcessLookupError):  # it has already ended
                os.killpg(run.pid, signal.SIGKILL)
        run.communicate()
        now = site.stored()
        assert now.items() >= finished.items(), "a finished record was lost or changed"
        finished = now
    assert hits
    assert finished or not all_faults  # of a few kills, each may come before the first record
    site.run()
    assert site.stored().items() >= finished.items()
    assert site.outcome() == expected
    same = f"{len(expected)} records as of a whole run"
    count(f"kill -9 of the runner: {hits} of {kills} times while it ran; {same}, none lost")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to find the workers")
def test_worker_killed_at_random_moments(
    killed: Callable[[], Site], count: Callable[[str], None], *, all_faults: bool
) -> None:
    expected, seconds = whole_run(killed())
    site, kills, random_moment = killed(), 10 if all_faults else 2, random.Random(1)
    done = failures = 0
    for _ in range(3 * kills):
        if done == kills:
            break
        for path in sorted(site.results.glob("records/**/*.json"))[:1]:
            path.unlink()  # so that there is work again
        run = site.start("--retry", "failed")
        until = time.monotonic() + random_moment.uniform(0.2, 1) * min(seconds / kills, 15)
        while run.poll() is None and (time.monotonic() < until or not children(run.pid)):
            time.sleep(0.05)
        for worker in children(run.pid)[:1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
                done += 1
        _, said = run.communicate()
        assert run.returncode in {0, 1}, said  # the other cells went on
        failed = [record for record in site.outcome().values() if record["status"] == "failed"]
        assert all("its worker died (exit status -9)" in record["error"] for record in failed)
        failures += len(failed)
    assert done == kills
    assert failures or not all_faults  # of a few kills, each may hit a worker without a cell
    site.run("--retry", "failed")
    assert site.outcome() == expected
    count(
        f"kill -9 of a worker: {done} times, {failures} cells failed by it; {len(expected)} records as of a whole run"
    )


def test_three_runners_on_one_folder(killed: Callable[[], Site], count: Callable[[str], None]) -> None:
    site, alone = killed(), killed()
    runs = [site.start(by=f"runner {n}") for n in range(3)]
    said = [run.communicate()[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0], said
    began = [line.split()[-1] for text in said for line in text.splitlines() if "  start  " in line]
    victims = [label for label in began if "/noise/" not in label]
    records = site.outcome()
    assert sorted(victims) == sorted(label for label in records if "/noise/" not in label)
    alone.run()
    assert records == alone.outcome()
    assert not list((site.results / ".leases").glob("*.lock"))
    count(
        f"three runners on one folder: {len(victims)} victims begun once each, {len(records)} records as of one runner"
    )
