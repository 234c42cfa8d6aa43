"""What is submitted, all or nothing. None of it runs: the partition is closed."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bench.run.executors.slurm.ledger import queued

Bench = Any  # the classes in the folders' conftest.py
Cluster = Any

CLOSED = ("--executor", "slurm", "--resources", "partition=closed")
THREE_RADII = ("--set", "radii=[0,2,4]")


def test_victims_wait_for_their_own_noise_in_arrays_that_the_cluster_takes(empty: Bench, slurm: Cluster) -> None:
    run = empty.run(*CLOSED, *THREE_RADII, "--resources", "time=1-12", "--resources", "comment=mine")
    assert run.status == 0
    assert run.err.splitlines()[-1].startswith("8 cells submitted; `python -m bench status` with the same --grid")
    first = min(int(line.partition("_")[0]) for line in slurm.queue())
    assert slurm.queue("%i %E %l") == [
        f"{task} {after} 1-12:00:00"
        for task, after in (
            (f"{first}_0", "(null)"),
            (f"{first}_1", "(null)"),
            (f"{first + 1}_0", f"afterok:{first}_0(unfulfilled)"),
            (f"{first + 1}_1", f"afterok:{first}_0(unfulfilled)"),
            (f"{first + 2}", f"afterok:{first}_0(unfulfilled)"),
            (f"{first + 3}_0", f"afterok:{first}_1(unfulfilled)"),
            (f"{first + 3}_1", f"afterok:{first}_1(unfulfilled)"),
            (f"{first + 4}", f"afterok:{first}_1(unfulfilled)"),
        )
    ]
    assert slurm.queue("%k") == ["mine"] * 8


def test_what_is_queued_is_not_submitted_again(empty: Bench, slurm: Cluster) -> None:
    assert empty.run(*CLOSED, "--set", "methods=clean", "--set", "radii=0").status == 0
    before = slurm.queue()
    assert len(before) == len(queued(empty.results)) == 2
    status = empty.do("status", "--set", "methods=clean", "--set", "radii=0")
    assert "0 done, 0 running, 2 queued, 0 to do, 0 waiting, 0 failed" in status.out
    assert empty.run(*CLOSED, "--set", "methods=clean", "--set", "radii=0").status == 0
    assert slurm.queue() == before

    # a further victim waits for the noise that is already queued
    assert empty.run(*CLOSED, "--set", "methods=clean").status == 0
    (added,) = set(slurm.queue()) - set(before)
    assert slurm.ask("squeue", "--noheader", "--format=%E", f"--job={added}") == [f"afterok:{before[0]}(unfulfilled)"]
    assert len(queued(empty.results)) == 3

    ledger = min(empty.results.glob(".slurm/*/cells.json"))
    ledger.write_bytes(ledger.read_bytes()[:-20])
    assert len(queued(empty.results)) < 3
    assert ledger.with_name("cells.json.corrupt").exists()

    slurm.clear()
    assert queued(empty.results) == set()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("--resources partition=nope", "Slurm says: invalid partition specified: nope; Batch job submission failed: "),
        ("--resources colour=red", "Slurm says: unrecognized option '--colour=red'"),
        ("--resources array=0-5", "--resources array is set by the executor; leave it out"),
        ("--resources mem", "--resources takes KEY=VALUE, not 'mem'"),
        ("--device gpu", "no device 'gpu'; --device takes auto, cpu, cuda or cuda:N, as found on the node"),
        ("--jobs 0", "--jobs takes a whole number from 1 to 10,000, not 0"),
    ],
)
def test_wrong_request_is_refused_in_one_line(empty: Bench, slurm: Cluster, words: str, reason: str) -> None:
    run = empty.run("--executor", "slurm", *words.split())
    assert run.status == 2
    assert run.err.startswith(f"error: {reason}")
    assert len(run.err.splitlines()) == 1
    assert slurm.queue() == []
    assert not list(empty.results.glob(".slurm/*"))


@pytest.mark.parametrize(("kill", "number"), [(os.kill, signal.SIGTERM), (os.killpg, signal.SIGINT)])
def test_an_interrupt_waits_for_sbatch(
    empty: Bench, slurm: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kill: Any, number: signal.Signals
) -> None:
    read = tmp_path / "script"
    slow = tmp_path / "sbatch"  # reads the script, then is slow
    slow.write_text(f'#!/bin/sh\ncp "$1" {read}\nsleep 2\nexec {shutil.which("sbatch")} {read}\n')
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    command = [sys.executable, "-m", "bench", *empty.words("run", *CLOSED)]
    run = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=empty.root, start_new_session=True)
    slurm.wait_for(read.exists, "nothing is submitted")
    kill(run.pid, number)
    _, said = run.communicate(timeout=60)
    assert said.startswith("interrupted: ")
    assert run.returncode == 130
    time.sleep(3)
    assert slurm.queue() == []
    assert queued(empty.results) == set()


def test_a_submission_that_is_interrupted_is_taken_back(empty: Bench, slurm: Cluster) -> None:
    # so many cells that the submission takes longer than interrupting it
    command = [sys.executable, "-m", "bench", *empty.words("run", *CLOSED, "--set", f"seeds={list(range(80))}")]
    run = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=empty.root)
    # its own folder first: jobs left by an earlier test must not trigger the interrupt while Python starts
    slurm.wait_for(lambda: list(empty.results.glob(".slurm/*/*")) and slurm.queue(), "nothing is submitted")
    assert set(slurm.queue("%r")) <= {"JobHeldUser", "Dependency", "None"}  # none could have begun
    os.kill(run.pid, signal.SIGINT)
    _, said = run.communicate(timeout=60)
    assert said == "interrupted: 480 of 480 cells left; repeat the command to resume\n"
    assert run.returncode == 130
    slurm.wait()
    assert queued(empty.results) == set()


LOGGING = """
import logging, os, sys
from bench.cli import main
closed = []
class Handler(logging.Handler):
    def close(self):
        closed.append(self)
handler = Handler()
before = dict(os.environ)
status = main(sys.argv[1:])
print(status, closed, dict(os.environ) == before, "submitit" in sys.modules)
"""


def test_a_submission_leaves_the_logging_of_its_process_alone(empty: Bench, slurm: Cluster) -> None:
    command = [sys.executable, "-c", LOGGING, *empty.words("run", *CLOSED)]
    run = subprocess.run(command, capture_output=True, text=True, cwd=empty.root, check=True)
    assert run.stdout.splitlines()[-1] == "0 [] True True"


def test_machine_without_slurm_is_told_so(empty: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    run = empty.run("--executor", "slurm")
    assert run.status == 2
    assert run.err == "error: sbatch not found; run --executor slurm on a login node of a Slurm cluster\n"


def test_ledger_without_slurm_tells_of_nothing(
    empty: Bench, slurm: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert empty.run(*CLOSED, "--only", "clean/noise").status == 0
    assert len(queued(empty.results)) == 1
    monkeypatch.setenv("PATH", str(tmp_path))
    assert queued(empty.results) == set()
