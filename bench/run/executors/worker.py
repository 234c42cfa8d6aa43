"""A worker process: takes jobs from a pipe, one at a time, and reports their progress."""

import signal
import time
from multiprocessing.connection import Connection
from types import FrameType

from bench.run.executors.message import SECONDS_BETWEEN_REPORTS, Message, answer, ends_worker
from bench.run.job import Job
from bench.run.process import set_up
from bench.run.workplace import Workplace


def serve(pipe: Connection, workplace: Workplace) -> None:
    """Run jobs until the pipe closes, or until SIGTERM, upon which running work saves its state.

    A failure also ends it, since a process in which something went wrong (especially on a GPU) may no longer be sound.
    """
    line = _Line(pipe)
    signal.signal(signal.SIGTERM, line.hang_up)
    set_up(workplace.threads)
    while True:
        try:
            job: Job = pipe.recv()
        except (EOFError, OSError):
            return  # the runner is gone, or asked us to stop
        last = answer(job, workplace, line.report, line.is_gone)
        try:
            pipe.send(last)
        except OSError:
            return
        if ends_worker(last):
            return


class _Line:
    """The connection to the runner."""

    def __init__(self, pipe: Connection) -> None:
        self._gone = False
        self._pipe = pipe
        self._last = time.monotonic()

    def is_gone(self) -> bool:
        """Return whether the connection is closed or we were asked to stop.

        The runner sends nothing while work runs, so anything to read means that it has closed its end.
        """
        self._gone = self._gone or self._pipe.poll()
        return self._gone

    def hang_up(self, _signal: int, _frame: FrameType | None) -> None:
        self._gone = True

    def report(self, done: float, total: float) -> None:
        now = time.monotonic()
        if now - self._last < SECONDS_BETWEEN_REPORTS or self._gone:
            return
        self._last = now
        try:
            self._pipe.send(Message(kind="progress", share=done / total))
        except OSError:
            self._gone = True
