"""The task that a node runs: one cell, in a worker of the local executor, until Slurm signals it to stop."""

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType

from bench.records.schema import Record
from bench.run.devices import workplaces
from bench.run.environment import code
from bench.run.executors import ExecutorRequest
from bench.run.executors.local import LocalExecutor
from bench.run.executors.message import failure
from bench.run.executors.slurm.commands import call
from bench.run.job import Job
from bench.run.pretraining import failure_of, pretrainings
from bench.run.progress import Lines
from bench.run.workplace import Workplace, state_file

CANCELLED = signal.SIGTERM  # or preempted; Slurm requeues the job if it is to run again
LATE = signal.SIGUSR2  # soon out of time; requeueing is up to us
MOST_STARTS_IN_VAIN = 3


def run_slurm_task(jobs: Sequence[Job], request: ExecutorRequest, before: Record | None) -> None:
    """Run one cell, unless the pretraining that it needs has failed since it was submitted.

    Signals are handled here rather than by submitit, which would checkpoint its pickled callable: a cell's state is in
    the cache, and the cell resumes from there however often it runs out of time.

    Args:
        jobs: the cell's job, preceded by that of its noise if the cell is a victim.
        request: what the user asked for.
        before: the record of that pretraining if it had failed before.

    Raises:
        SystemExit: unless the cell is done, so that cells that need it do not start.
    """
    source = jobs[-1].pretraining
    if source and (found := failure_of(source, request.results)) and found != before:
        sys.exit(f"{source.cell.label}, whose weights {jobs[-1].cell.label} starts from, has failed; not repeated")
    signals: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        for each in (CANCELLED, LATE):
            signal.signal(each, signal.SIG_IGN)  # the worker is saving its state now
        signals.append(number)
        raise KeyboardInterrupt

    for each in (CANCELLED, LATE):
        signal.signal(each, stop)
    code()  # cached now, for the record of a job that runs out of time
    workplace = _workplace(request)
    states = _states(jobs, workplace)
    try:
        failed = _failed(jobs, workplace)
    except KeyboardInterrupt:
        failed = True
        if LATE in signals:
            _queue_again(jobs, workplace, states)
    if failed:
        sys.exit(1)


def _workplace(request: ExecutorRequest) -> Workplace:
    """Return the workplace of the one worker, limited to the cores that Slurm gives us: we may see more."""
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
    """Run jobs, print their progress, and return whether one failed."""
    statuses = []
    with Lines(jobs, sys.stderr) as shown, closing(LocalExecutor([workplace]).run(jobs)) as events:
        for event in events:
            shown.tell(event)
            statuses.append(event.status)
    return "failed" in statuses


def _states(jobs: Sequence[Job], workplace: Workplace) -> dict[Path, int]:
    """Return when the state files of jobs, and of what they need first, were last written, in ns."""
    from bench.run.preparing import unfinished_preparation  # imports torch, which submitting does not need

    files = [state_file(workplace, job.cell) for job in (*jobs, *pretrainings(jobs))]
    files += filter(None, (unfinished_preparation(job, workplace) for job in jobs))
    found = {}
    for file in files:
        with suppress(FileNotFoundError):  # another runner, which works on it too, may just have finished
            found[file] = file.stat().st_mtime_ns
    return found


def _queue_again(jobs: Sequence[Job], workplace: Workplace, before: dict[Path, int]) -> None:
    """Have Slurm requeue this job; or record a failure if the cell made no progress in several starts."""
    starts = 1 + int(os.environ.get("SLURM_RESTART_COUNT", "0"))
    if starts < MOST_STARTS_IN_VAIN or _states(jobs, workplace) != before:  # one that is gone counts as progress
        call("scontrol", "requeue", os.environ["SLURM_JOB_ID"])
        return
    error = f"Slurm stopped it at start {starts} without progress; give it more time, e.g. --resources time=60"
    failure(jobs[-1], workplace, error)
