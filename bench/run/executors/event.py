"""Events that executors report about their jobs."""

from dataclasses import dataclass
from typing import Literal

from bench.records.schema import Record
from bench.run.job import Job


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened to a job.

    Attributes:
        job: the job.
        kind: it began; made progress; ended; or was submitted to a cluster, which runs it later.
        share: the share of it that is done, for `progress`.
        status: the status of its record, for `ended`.
        error: why it failed, if it did.
    """

    job: Job
    kind: Literal["began", "progress", "ended", "submitted"]
    share: float = 0.0
    status: str = ""
    error: str = ""


def ended(job: Job, record: Record) -> Event:
    """Return the event of a job that ended with a record."""
    return Event(job=job, kind="ended", status=record.status, error=record.error or "")
