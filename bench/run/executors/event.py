"""Events that executors report about their jobs."""

from dataclasses import dataclass
from typing import Literal

from bench.records.schema import Record
from bench.run.job import Job


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened to a job.

    Attributes:
        job: which one.
        kind: it began; went on; ended; or was submitted to a cluster, where others run it.
        share: what is done of it, where it went on.
        status: that of its record, where it ended.
        error: why it failed, where it did.
    """

    job: Job
    kind: Literal["began", "progress", "ended", "submitted"]
    share: float = 0.0
    status: str = ""
    error: str = ""


def ended(job: Job, record: Record) -> Event:
    """Return the event of a job that left its record."""
    return Event(job=job, kind="ended", status=record.status, error=record.error or "")
