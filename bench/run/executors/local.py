"""Run jobs in worker processes on this machine: noises first, each victim as soon as its noise is ready."""

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
from bench.run.executors.message import Message, conclude, ends_worker, failure
from bench.run.executors.queue import Queue
from bench.run.executors.variables import variables
from bench.run.job import Job, protocols_of
from bench.run.todo import is_at_hand
from bench.run.workplace import Workplace

SECONDS_OF_GRACE = 30.0
SECONDS_TO_EXIT = 5.0  # for a worker that has sent its last message
SECONDS_BETWEEN_LOOKS = 1.0  # between checks of what other runners are doing


@dataclass
class _Worker:
    workplace: Workplace
    process: BaseProcess
    pipe: Connection
    job: Job | None = None


def make(request: ExecutorRequest) -> "LocalExecutor":
    """Return the executor that uses this machine.

    Raises:
        RequestError: for a missing device, or for resources, which only clusters have.
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
        """Run jobs, and yield events.

        There is no event for a victim whose noise or pretraining failed. Jobs that another runner is working on are
        waited for.

        Raises:
            RequestError: if a worker reports that the run cannot continue.
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
                        at.process.terminate()  # another runner has it: we were suspended, or cut off from the folder
                if any(at.job for at in workers):
                    yield from self._listen(workers, queue)
                elif not queue.wait(SECONDS_BETWEEN_LOOKS):
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
        """Return the last message for a worker that exited: stopped with its state kept, or, if it died, a failure.

        One that died after its work was done left a record that did not fail.
        """
        at.process.join()
        if at.process.exitcode == 0:
            return Message(kind="stopped")
        left = Store(at.workplace.results, job.protocols).read(job.cell)
        if left and left.status != "failed" and is_at_hand(job, at.workplace.places):
            return Message(kind="done", record=left)
        reason = f"its worker died (exit status {at.process.exitcode}), possibly out of memory"
        return failure(job, at.workplace, reason)


def _interpret(message: Message, at: _Worker, job: Job, queue: Queue) -> Iterator[Event]:
    if message.kind == "progress":
        yield Event(job=job, kind="progress", share=message.share)
        return
    at.job = None
    yield from conclude(message, job, queue)


def _retire(at: _Worker) -> None:
    """End a worker that has sent its last message, by force if need be; a new one takes the next job."""
    at.pipe.close()
    at.process.join(SECONDS_TO_EXIT)
    at.process.kill()
    at.process.join()


def _end(workers: Sequence[_Worker]) -> None:
    """Ask workers to stop, so that they save their state, and kill those that do not."""
    for at in workers:
        at.pipe.close()
        at.process.terminate()
    deadline = time.monotonic() + SECONDS_OF_GRACE
    for at in workers:
        at.process.join(max(0.0, deadline - time.monotonic()))
        at.process.kill()
        at.process.join()


def _hand(job: Job, at: _Worker) -> _Worker:
    """Give a job to a worker, or to its replacement if it died, and return that worker."""
    if not at.process.is_alive():
        at.pipe.close()
        at = _start(at.workplace)
    at.job = job
    with contextlib.suppress(BrokenPipeError):  # it died meanwhile: noticed when we listen to it
        at.pipe.send(job)
    return at


def _start(workplace: Workplace) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=worker.serve, args=(theirs, workplace), daemon=True)
    # inherited by the worker: Ctrl-C, or a signal that a cluster sends to a whole job, is for us; we end our workers
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
