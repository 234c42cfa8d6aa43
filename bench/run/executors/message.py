"""Messages from workers about their jobs, and how they are handled."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from attacks.core.errors import RequestError, StoppedError
from bench.records.schema import Record
from bench.records.store import Store
from bench.run.executors.event import Event, ended
from bench.run.executors.queue import Queue
from bench.run.job import Job
from bench.run.recording import record_of, save_record
from bench.run.workplace import Workplace

SECONDS_BETWEEN_REPORTS = 0.2


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message from a worker to the runner.

    Attributes:
        kind: the job made progress; is done; was stopped, with its state kept; has lost its noise; or the run
            cannot continue.
        share: the share of the job that is done, for `progress`.
        record: the job's record, for `done`.
        reason: why the run cannot continue, for `impossible`.
    """

    kind: Literal["progress", "done", "stopped", "noise-lost", "impossible"]
    share: float = 0.0
    record: Record | None = None
    reason: str = ""


def ends_worker(message: Message) -> bool:
    """Return whether a worker exits after a message: it was asked to stop, or a failure may have damaged it."""
    return message.kind == "stopped" or (message.record is not None and message.record.status == "failed")


def answer(
    job: Job, workplace: Workplace, report: Callable[[float, float], None], stopping: Callable[[], bool]
) -> Message:
    """Run a job in a worker, and return the message that reports how it ended."""
    from bench.run.cell import NoiseLostError, run_cell

    try:
        return Message(kind="done", record=run_cell(job, workplace, report, stopping))
    except StoppedError:
        return Message(kind="stopped")
    except NoiseLostError:
        return Message(kind="noise-lost")
    except RequestError as error:
        return Message(kind="impossible", reason=str(error))
    except OSError as error:  # of the folders: an error inside the cell is in its record
        reason = f"cannot finish {job.cell.label}: {error}; check the folders of --results and --cache"
        return Message(kind="impossible", reason=reason)


def failure(job: Job, workplace: Workplace, reason: str) -> Message:
    """Write the failed record of a job whose worker could not, and return the message of the job's end."""
    record = record_of(job, workplace, status="failed", error=reason, peak_memory=None)
    return Message(kind="done", record=save_record(record, Store(workplace.results, job.protocols)))


def conclude(message: Message, job: Job, queue: Queue) -> Iterator[Event]:
    """Note in the queue how a job ended, and yield its `ended` event if it has a record.

    Raises:
        RequestError: if the run cannot continue.
    """
    if message.kind == "impossible":
        raise RequestError(message.reason)
    if message.record:
        queue.end(job, message.record)
        yield ended(job, message.record)
    else:
        queue.put_back(job, noise_lost=message.kind == "noise-lost")
