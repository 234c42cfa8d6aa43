"""A worker process: takes jobs from a pipe, one at a time, and tells how they go."""

import signal
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import FrameType
from typing import Literal

from attacks.errors import RequestError, StoppedError
from bench.records.schema import Record
from bench.run.arithmetic import set_up
from bench.run.plan import Job
from bench.run.workplace import Workplace

SECONDS_BETWEEN_REPORTS = 0.2


@dataclass(frozen=True, kw_only=True)
class Message:
    """What a worker tells the runner.

    Attributes:
        kind: the job made progress; is done; was stopped, with its state kept; has lost its noise; or the run is
            impossible to go on with.
        share: of the job that is done, for `progress`.
        record: what the job left, for `done`.
        reason: for `impossible`.
    """

    kind: Literal["progress", "done", "stopped", "noise-lost", "impossible"]
    share: float = 0.0
    record: Record | None = None
    reason: str = ""


def main(pipe: Connection, workplace: Workplace) -> None:
    """Carry out jobs until the pipe closes, or until SIGTERM: what is under way then keeps its state.

    A failure ends it too, since a process in which something went wrong (a GPU's, above all) may not be sound.
    """
    line = _Line(pipe)
    signal.signal(signal.SIGTERM, line.hang_up)
    set_up(workplace.threads)
    try:
        while True:
            job: Job = pipe.recv()
            answer = _answer(job, workplace, line)
            pipe.send(answer)
            if answer.record and answer.record.status == "failed":
                return
    except (EOFError, OSError, StoppedError):
        return  # the runner is gone, or asked us to stop


def _answer(job: Job, workplace: Workplace, line: "_Line") -> Message:
    from bench.run.cell import NoiseLostError, carry_out

    try:
        return Message(kind="done", record=carry_out(job, workplace, line.report, lambda: line.gone))
    except NoiseLostError:
        return Message(kind="noise-lost")
    except RequestError as error:
        return Message(kind="impossible", reason=str(error))


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
