"""Run jobs in worker processes on this machine: noises first, each victim as soon as its noise is there."""

import contextlib
import multiprocessing
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from attacks.errors import RequestError
from bench.config.models import NoiseCell
from bench.records.store import Store
from bench.run.executors import worker
from bench.run.executors.worker import Message
from bench.run.plan import Job
from bench.run.recording import record_of
from bench.run.workplace import Workplace

SECONDS_OF_GRACE = 30.0


@dataclass(frozen=True)
class Event:
    """Something that happened to a job: it began, went on (with the share done), ended `ok`, or ended otherwise.

    `text` holds the status of an ended job, with its error on the next lines.
    """

    job: Job
    kind: str
    share: float = 0.0
    text: str = ""


@dataclass
class _Worker:
    workplace: Workplace
    process: BaseProcess
    pipe: Connection
    job: Job | None = None


class LocalExecutor:
    """A pool of worker processes; a worker that dies fails its own job only."""

    def __init__(self, workplaces: Sequence[Workplace]) -> None:
        self._workplaces = workplaces

    def run(self, jobs: Sequence[Job]) -> Iterator[Event]:
        """Carry out jobs, and yield what happens.

        A victim whose noise failed is left waiting: no event is about it.

        Raises:
            RequestError: where a worker says that the run cannot go on.
        """
        waiting = sorted(jobs, key=lambda job: (job.cell.kind == "victim", -(job.passes.attack + job.passes.train)))
        missing = {job.cell.key for job in jobs if isinstance(job.cell, NoiseCell)}
        workers = [_start(workplace) for workplace in self._workplaces[: len(jobs)]]
        try:
            while True:
                for n, at in enumerate(workers):
                    if at.job is None and (job := _next_ready(waiting, missing)):
                        waiting.remove(job)
                        workers[n] = _hand(job, at)
                        yield Event(job, "began")
                if all(at.job is None for at in workers):
                    return
                yield from self._listen(workers, missing)
        finally:
            _end(workers)

    def _listen(self, workers: list[_Worker], missing: set[str]) -> Iterator[Event]:
        ready = wait([at.pipe for at in workers if at.job], timeout=1.0)
        for at in workers:
            if at.pipe not in ready or at.job is None:
                continue
            job = at.job
            try:
                message = at.pipe.recv()
            except (EOFError, ConnectionResetError):
                at.process.join()
                reason = f"its worker died (exit status {at.process.exitcode}), perhaps for want of memory"
                at.job = None
                record = record_of(job, at.workplace, status="failed", error=reason, peak_memory=None)
                Store(at.workplace.results).write(record)
                yield Event(job, "ended", text=f"failed\n{reason}")
                continue
            yield from _interpret(message, at, job, missing)


def _interpret(message: Message, at: _Worker, job: Job, missing: set[str]) -> Iterator[Event]:
    if message.kind == "stop":
        raise RequestError(message.text)
    if message.kind == "progress":
        yield Event(job, "progress", share=message.share)
        return
    at.job = None
    if not message.text.startswith("failed"):
        missing.discard(job.cell.key)
    yield Event(job, "ended", text=message.text)


def _end(workers: Sequence[_Worker]) -> None:
    """Ask workers to stop, which lets them keep what they have done, and end those that do not."""
    for at in workers:
        at.pipe.close()
        at.process.terminate()
    deadline = time.monotonic() + SECONDS_OF_GRACE
    for at in workers:
        at.process.join(max(0.0, deadline - time.monotonic()))
        at.process.kill()
        at.process.join()


def _hand(job: Job, at: _Worker) -> _Worker:
    """Give a job to a worker, or to a new one in its place if it died."""
    if not at.process.is_alive():
        at.pipe.close()
        at = _start(at.workplace)
    at.job = job
    with contextlib.suppress(BrokenPipeError):  # dead since: found out when it is listened to
        at.pipe.send(job)
    return at


def _next_ready(waiting: Sequence[Job], missing: set[str]) -> Job | None:
    return next((job for job in waiting if job.cell is job.noise or job.noise.key not in missing), None)


def _start(workplace: Workplace) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=worker.main, args=(theirs, workplace), daemon=True)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # inherited: Ctrl-C is for us, who then end our workers
    try:
        process.start()
    finally:
        signal.signal(signal.SIGINT, before)
    theirs.close()
    return _Worker(workplace, process, ours)
