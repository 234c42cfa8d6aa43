"""A worker process: takes jobs from a pipe, one at a time, and tells how they go."""

import signal
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import FrameType
from typing import Literal

from attacks.errors import RequestError, StoppedError
from bench.run.arithmetic import set_up
from bench.run.plan import Job
from bench.run.workplace import Workplace

SECONDS_BETWEEN_REPORTS = 0.2


@dataclass(frozen=True, kw_only=True)
class Message:
    """What a worker tells the runner.

    Attributes:
        kind: `progress`; `done` with the record's status; or `stop` with the reason why the run cannot go on.
        share: of the job that is done, for `progress`.
        text: the status, with the error of a failed cell on the next lines; or the reason.
    """

    kind: Literal["progress", "done", "stop"]
    share: float = 0.0
    text: str = ""


def main(pipe: Connection, workplace: Workplace) -> None:
    """Carry out jobs until the pipe closes, or until SIGTERM: what is under way then keeps its state."""
    line = _Line(pipe)
    signal.signal(signal.SIGTERM, line.hang_up)
    set_up(workplace.threads)
    try:
        while True:
            job: Job = pipe.recv()
            pipe.send(_answer(job, workplace, line))
    except (EOFError, OSError, StoppedError):
        return  # the runner is gone, or asked us to stop


def _answer(job: Job, workplace: Workplace, line: "_Line") -> Message:
    from bench.run.cell import carry_out

    try:
        record = carry_out(job, workplace, line.report, lambda: line.gone)
    except RequestError as error:
        return Message(kind="stop", text=str(error))
    return Message(kind="done", text=f"{record.status}\n{record.error or ''}".rstrip())


class _Line:
    """The line to the runner; `gone` once it is cut or we are told to stop."""

    def __init__(self, pipe: Connection) -> None:
        self.gone = False
        self._pipe = pipe
        self._last = time.monotonic()

    def hang_up(self, _signal: int, _frame: FrameType | None) -> None:
        self.gone = True

    def report(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._last < SECONDS_BETWEEN_REPORTS or self.gone:
            return
        self._last = now
        try:
            self._pipe.send(Message(kind="progress", share=done / total))
        except OSError:
            self.gone = True
