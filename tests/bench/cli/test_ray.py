"""Runs on a Ray cluster of two nodes, both on this machine: cells lost with one node resume on another."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from attacks.core.packages import install_extras

ray_cluster = pytest.importorskip("ray.cluster_utils", reason="needs the extra `ray`")

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to find the workers")

Bench = Any  # the class in conftest.py

# Victims that train for some seconds, in steps of a fraction of a second.
LONG = ("--set", "setup.victim.attack.steps=10", "--set", "setup.victim.steps=30", "--set", "radii=4")
CLEAN = ("--set", "methods=clean")
VICTIM = "dots/clean/resnet18-w8/r4-s0"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A cluster whose head takes no cells, with one other node of one CPU."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_worker_niceness", "0")  # else its workers give way to any other process here
        cluster = ray_cluster.Cluster()
        try:
            cluster.add_node(num_cpus=0, include_dashboard=False)
            cluster.add_node(num_cpus=1)
            patch.setenv("RAY_ADDRESS", cluster.address)
            yield cluster
        finally:
            cluster.shutdown()


@pytest.fixture(scope="module")
def local(new_bench: Callable[[Path], Bench], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The outcomes of the long victims without Ray."""
    bench = new_bench(tmp_path_factory.mktemp("local"))
    assert bench.run(*LONG).status == 0
    return outcomes(bench)


def outcomes(bench: Bench) -> dict[str, Any]:
    """Return the outcome of each cell, without times."""
    found = {}
    for path in sorted(bench.results.glob("*/dots/**/*.json")):
        data = json.loads(path.read_text())
        passes = {phase: cost["passes"] for phase, cost in data["costs"].items()}
        found[path.stem] = data["status"], data["metrics"], data.get("curve"), data["digests"], passes
    return found


@contextlib.contextmanager
def running(bench: Bench, *more: str) -> Iterator["subprocess.Popen[str]"]:
    """Start a run in its own process group, and kill what is left of it in the end."""
    words = bench.words("run", "--executor", "ray", "--jobs", "2", *more)  # of two --jobs, the last counts
    with subprocess.Popen(
        [sys.executable, "-m", "bench", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        cwd=bench.root,
    ) as run:
        try:
            yield run
        finally:
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)


def read_until(text: str, stream: IO[str] | None) -> None:
    assert stream
    assert any(text in line for line in stream), "the run ended before"


def workers(label: str, raylet: int | None = None) -> list[int]:
    """Return the processes that run a cell, on any node or only on that of one raylet."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if not (folder / "cmdline").read_bytes().startswith(f"ray::{label}".encode()):
                continue
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it ended meanwhile
        if raylet in (None, parent):
            found.append(int(folder.name))
    return found


@pytest.mark.slow
def test_lost_node_costs_no_cell(cluster: Any, empty: Bench, local: dict[str, Any]) -> None:
    cluster.add_node(num_cpus=1)
    with running(empty, *LONG) as run:
        read_until(f"start  {VICTIM}", run.stderr)
        time.sleep(0.4)
        (busy,) = [
            node for node in cluster.worker_nodes if workers(VICTIM, node.all_processes["raylet"][0].process.pid)
        ]
        cluster.remove_node(busy, allow_graceful=False)
        out, err = run.communicate(timeout=300)
    assert run.returncode == 0, err
    assert f"the node running {VICTIM} was lost; the cell resumes on another" in err
    assert f"start  {VICTIM}" in err  # again
    assert "raylet" not in out + err
    assert outcomes(empty) == local


@pytest.mark.slow
def test_interrupted_run_goes_on_to_the_same_result(
    cluster: Any, empty: Bench, local: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("RAY_ADDRESS", "local")  # a cluster of its own, which gets Ctrl-C too
        with running(empty, *LONG, *CLEAN) as run:
            read_until(f"start  {VICTIM}", run.stderr)
            time.sleep(0.4)
            os.killpg(run.pid, signal.SIGINT)
            out, err = run.communicate(timeout=60)
    assert run.returncode == 130
    assert out == ""
    assert err == "interrupted: 1 of 2 cells left; repeat the command to resume\n"
    assert not workers(VICTIM)
    assert not list(empty.results.glob(".leases/*"))
    assert list(empty.cache.glob("unfinished/*"))
    assert not list(empty.results.glob("records/**/*.json"))

    with running(empty, *LONG, *CLEAN) as terminated:
        read_until(f"start  {VICTIM}", terminated.stderr)
        terminated.terminate()
        assert "interrupted: 1 of 2 cells left" in terminated.communicate(timeout=60)[1]
    assert terminated.returncode == 130

    after = empty.run("--executor", "ray", *LONG, *CLEAN)
    assert after.status == 0, after.err
    assert not list(empty.cache.glob("unfinished/*"))
    assert outcomes(empty).items() <= local.items()
    assert len(outcomes(empty)) == 2


def kill_each(label: str, killed: list[int], over: threading.Event) -> None:
    """Kill every process that runs a cell, until `over` is set."""
    while not over.wait(0.05):
        for pid in workers(label):
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)


@pytest.mark.slow
def test_cell_whose_workers_die_fails_alone(cluster: Any, empty: Bench) -> None:
    killed: list[int] = []
    over = threading.Event()
    killer = threading.Thread(target=kill_each, args=(VICTIM, killed, over))
    killer.start()
    run = empty.run("--executor", "ray", *CLEAN)
    over.set()
    killer.join()
    assert run.status == 1, run.err
    assert len(set(killed)) == 3
    failed = json.loads(empty.record("records/dots/clean/*/r4-*.json").read_text())
    assert failed["status"] == "failed"
    assert failed["error"].startswith("its worker died 3 times, possibly out of memory (WorkerCrashedError: ")
    assert json.loads(empty.record("records/dots/clean/*/r0-*.json").read_text())["status"] == "ok"
    assert f"failed: {VICTIM}" in run.err
    assert "raylet" not in run.out + run.err


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--resources", "cpus=9"], ["no node", "CPU=9", "--resources"]),
        (["--resources", "tpus=1"], ["no node", "tpus=1", "--resources"]),
        (["--resources", "cpus=two"], ["cpus=two", "number"]),
        (["--resources", "gpus=1"], ["--device cpu", "gpus"]),
        (["--device", "cuda"], ["no node", "GPU", "--device"]),
        (["--device", "cuda:1"], ["with --executor ray", "cuda"]),
        (["--jobs", "0"], ["--jobs", "0"]),
    ],
    ids=" ".join,
)
def test_what_no_node_has_is_refused(more: list[str], words: list[str], cluster: Any, empty: Bench) -> None:
    run = empty.run("--executor", "ray", *more)
    assert run.status == 2, run.err
    (line,) = run.err.splitlines()
    assert line.startswith("error: ")
    assert all(word in line for word in words), line
    assert not list(empty.results.glob("*/dots"))


@pytest.mark.parametrize("address", ["127.0.0.1:9", "ray://127.0.0.1:10001"])
def test_cluster_that_is_not_there_is_refused(address: str, empty: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", address)
    run = empty.run("--executor", "ray")
    assert run.status == 2
    (line,) = run.err.splitlines()
    assert line.startswith(f"error: cannot join the Ray cluster at RAY_ADDRESS={address}: ")


def test_missing_extra_is_named(empty: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    run = empty.run("--executor", "ray")
    assert run.status == 2
    assert run.err == f"error: --executor ray needs the extra `ray`; run: {install_extras('run', 'ray')}\n"
