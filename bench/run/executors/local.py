"""Run jobs in worker processes on this machine: noises first, each victim as soon as its noise is there."""

import contextlib
import multiprocessing
import signal
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from attacks.core.errors import RequestError
from bench.records.store import Store
from bench.run.devices import workplaces
from bench.run.executors import ExecutorRequest, worker
from bench.run.executors.event import Event
from bench.run.executors.message import Message, conclude, ends_worker
from bench.run.executors.queue import Queue
from bench.run.executors.variables import variables
from bench.run.job import Job, protocols_of
from bench.run.recording import record_of, save_record
from bench.run.workplace import Workplace

SECONDS_OF_GRACE = 30.0
SECONDS_TO_EXIT = 5.0  # of a worker that has said its last
SECONDS_BETWEEN_LOOKS = 1.0  # at what other runners are at


@dataclass
class _Worker:
    workplace: Workplace
    process: BaseProcess
    pipe: Connection
    job: Job | None = None


def make(request: ExecutorRequest) -> "LocalExecutor":
    """Make the executor of this machine.

    Raises:
        RequestError: for a device that is not there, or resources, which are those of a cluster.
    """
    if request.resources:
        raise RequestError("--resources needs --executor slurm or ray; leave it out or choose one of them")
    return LocalExecutor(
        workplaces(
            request.device,
            request.jobs,
            results=request.results,
            places=request.places,
            by=request.by,
            time_limit=request.time_limit,
        )
    )


class LocalExecutor:
    """A pool of worker processes; a worker that dies fails its own job only."""

    def __init__(self, workplaces: Sequence[Workplace]) -> None:
        self._workplaces = workplaces

    def run(self, jobs: Sequence[Job]) -> Generator[Event]:
        """Run jobs, and yield what happens.

        No event is about a victim whose noise failed. A job that another runner is at is waited for.

        Raises:
            RequestError: where a worker says that the run cannot go on.
        """
        queue = Queue(jobs, Store(self._workplaces[0].results, protocols_of(jobs)))
        workers = [_start(workplace) for workplace in self._workplaces[: len(jobs)]]
        try:
            while True:
                for n, at in enumerate(workers):
                    while at.job is None and (found := queue.next()):
                        if isinstance(found, Event):
                            yield found
                            continue
                        at = workers[n] = _hand(found, at)  # noqa: PLW2901 - a worker that died is replaced
                        yield Event(job=found, kind="began")
                for at in workers:
                    if at.job and queue.lost(at.job):
                        at.process.terminate()  # another runner is at it: we were suspended, or cut off from the folder
                if any(at.job for at in workers):
                    yield from self._listen(workers, queue)
                elif queue.waits:
                    time.sleep(SECONDS_BETWEEN_LOOKS)
                else:
                    return
        finally:
            _end(workers)
            queue.close()

    def _listen(self, workers: list[_Worker], queue: Queue) -> Iterator[Event]:
        ready = wait([at.pipe for at in workers if at.job], timeout=SECONDS_BETWEEN_LOOKS)
        for at in workers:
            if at.pipe not in ready or at.job is None:
                continue
            try:
                message = at.pipe.recv()
            except (EOFError, OSError):
                message = self._last_words(at, at.job)
            if ends_worker(message):
                _retire(at)
            yield from _interpret(message, at, at.job, queue)

    def _last_words(self, at: _Worker, job: Job) -> Message:
        """Return what a worker that died would have said; one that was asked to stop has kept its state."""
        at.process.join()
        if at.process.exitcode == 0:
            return Message(kind="stopped")
        reason = f"its worker died (exit status {at.process.exitcode}), possibly out of memory"
        record = record_of(job, at.workplace, status="failed", error=reason, peak_memory=None)
        store = Store(at.workplace.results, job.protocols)
        return Message(kind="done", record=save_record(record, store))


def _interpret(message: Message, at: _Worker, job: Job, queue: Queue) -> Iterator[Event]:
    if message.kind == "progress":
        yield Event(job=job, kind="progress", share=message.share)
        return
    at.job = None
    yield from conclude(message, job, queue)


def _retire(at: _Worker) -> None:
    """Let a worker go whose last message this was: the next job is for another, however this one's process ends."""
    at.pipe.close()
    at.process.join(SECONDS_TO_EXIT)
    at.process.kill()
    at.process.join()


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


def _start(workplace: Workplace) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=worker.serve, args=(theirs, workplace), daemon=True)
    # inherited: Ctrl-C, and what a cluster says to all processes of a job, is for us, who then end our workers
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    unblocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
    try:
        with variables(PYTHONSAFEPATH="1"):  # a random.py in the working folder is not the module that Python imports
            process.start()
    finally:
        signal.signal(signal.SIGINT, before)
        signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
    theirs.close()
    return _Worker(workplace, process, ours)
