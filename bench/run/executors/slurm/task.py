"""What a node runs: one cell, in a worker of the local executor; Slurm says by a signal when to stop."""

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import FrameType

from bench.records.store import Store
from bench.run.devices import workplaces
from bench.run.environment import code
from bench.run.executors import ExecutorRequest
from bench.run.executors.local import LocalExecutor
from bench.run.executors.slurm.commands import call
from bench.run.job import Job
from bench.run.progress import Lines
from bench.run.recording import record_of
from bench.run.workplace import Workplace, state_file

CANCELLED = signal.SIGTERM  # or preempted; Slurm queues it again where it is to run again
LATE = signal.SIGUSR2  # soon out of time; it is on us to be queued again
MOST_STARTS_IN_VAIN = 3


def run_slurm_task(jobs: Sequence[Job], request: ExecutorRequest) -> None:
    """Run one cell.

    The state of submitit's own callables is what they are pickled with; that of a cell is in the cache, and however
    often it runs out of time it resumes from there. So the signals are handled here, not by submitit.

    Args:
        jobs: the cell's, after that of its noise where it is a victim's.
        request: what the user asked for.

    Raises:
        SystemExit: unless the cell is done, so that those that need it do not begin.
    """
    signals: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        for each in (CANCELLED, LATE):
            signal.signal(each, signal.SIG_IGN)  # the worker keeps its state now
        signals.append(number)
        raise KeyboardInterrupt

    for each in (CANCELLED, LATE):
        signal.signal(each, stop)
    code()  # noted now, for the record of a job that ends too late
    workplace = _workplace(request)
    before = _states(jobs, workplace)
    try:
        failed = _failed(jobs, workplace)
    except KeyboardInterrupt:
        failed = True
        if LATE in signals:
            _queue_again(jobs, workplace, before)
    if failed:
        sys.exit(1)


def _workplace(request: ExecutorRequest) -> Workplace:
    """Return where the one worker works, with the cores that Slurm gives us: we may see others."""
    (found,) = workplaces(
        request.device,
        1,
        results=request.results,
        places=request.places,
        by=request.by,
        time_limit=request.time_limit,
    )
    return replace(found, threads=min(found.threads, int(os.environ["SLURM_CPUS_ON_NODE"])))


def _failed(jobs: Sequence[Job], workplace: Workplace) -> bool:
    """Run jobs, say how it goes, and return whether one failed."""
    statuses = []
    with Lines(jobs, sys.stderr) as shown, closing(LocalExecutor([workplace]).run(jobs)) as events:
        for event in events:
            shown.tell(event)
            statuses.append(event.status)
    return "failed" in statuses


def _states(jobs: Sequence[Job], workplace: Workplace) -> dict[Path, int]:
    """Return when the states that jobs have in the cache were written, in ns."""
    files = (state_file(workplace, job.cell) for job in jobs)
    return {file: file.stat().st_mtime_ns for file in files if file.exists()}


def _queue_again(jobs: Sequence[Job], workplace: Workplace, before: dict[Path, int]) -> None:
    """Have Slurm run this again; but leave a failure where the time is too short for a cell to get anywhere."""
    starts = 1 + int(os.environ.get("SLURM_RESTART_COUNT", "0"))
    if starts < MOST_STARTS_IN_VAIN or not _states(jobs, workplace).items() <= before.items():
        call("scontrol", "requeue", os.environ["SLURM_JOB_ID"])
        return
    error = f"Slurm stopped it at start {starts} without progress; give it more time, e.g. --resources time=60"
    store = Store(workplace.results, jobs[-1].protocols)
    store.write(record_of(jobs[-1], workplace, status="failed", error=error, peak_memory=None))
