"""The task that a Ray worker runs: one job, whose events it sends through a queue."""

import os
import signal
import time
from types import FrameType

from ray.exceptions import RayError
from ray.util.queue import Queue as Told

from bench.run.executors.event import Event
from bench.run.executors.message import SECONDS_BETWEEN_REPORTS, Message, answer
from bench.run.job import Job
from bench.run.process import set_up
from bench.run.workplace import Workplace


def run_ray_task(job: Job, workplace: Workplace, folder: str, told: Told) -> Message:
    """Run a job, and return how it ended; if the task is cancelled, running work saves its state and stops.

    Args:
        job: what to do.
        workplace: where.
        folder: the runner's working folder, which relative paths start from here too.
        told: the queue for events along the way.
    """
    line = _Line(job, told)
    signal.signal(signal.SIGINT, line.hang_up)  # Ray cancels a task with SIGINT
    try:
        os.chdir(folder)
    except OSError as error:
        reason = (
            f"a node of the cluster cannot find {folder} ({error.strerror}); run from a folder that all nodes share"
        )
        return Message(kind="impossible", reason=reason)
    set_up(workplace.threads)
    line.tell(Event(job=job, kind="began"))
    return answer(job, workplace, line.report, lambda: line.gone)


class _Line:
    """The connection to the runner; `gone` is set once it is closed or we are asked to stop."""

    def __init__(self, job: Job, told: Told) -> None:
        self.gone = False
        self._job = job
        self._told = told
        self._last = time.monotonic()

    def hang_up(self, _signal: int, _frame: FrameType | None) -> None:
        self.gone = True

    def report(self, done: float, total: float) -> None:
        now = time.monotonic()
        if now - self._last >= SECONDS_BETWEEN_REPORTS and not self.gone:
            self._last = now
            self.tell(Event(job=self._job, kind="progress", share=done / total))

    def tell(self, event: Event) -> None:
        try:
            self._told.put(event)
        except RayError:
            self.gone = True
