"""Sort a plan's jobs by what is to be done with them."""

from collections.abc import Iterable
from dataclasses import dataclass

from bench.config.models import NoiseCell
from bench.records.store import Store
from bench.run.plan import Job
from bench.run.selection import Retry, Selection
from bench.run.time_limit import timed_out

ALL = Selection()


@dataclass(frozen=True, kw_only=True)
class Todo:
    """The jobs of a plan by what is to be done with them.

    Attributes:
        done: their records say `ok`, or that a budget ended them.
        failed: their records say `failed`, and no retry was asked for.
        missing: to be made, with the noises that they need.
        along: noises that have their record and that a missing victim needs: made again where the cache has lost them.
        blocked: cannot be made, since their noise failed.
    """

    done: tuple[Job, ...]
    failed: tuple[Job, ...]
    missing: tuple[Job, ...]
    along: tuple[Job, ...]
    blocked: tuple[Job, ...]

    @property
    def work(self) -> tuple[Job, ...]:
        """What is to be carried out."""
        return (*self.along, *self.missing)


def sort_out(jobs: Iterable[Job], store: Store, selection: Selection = ALL) -> Todo:
    """Split jobs into done, failed, missing and blocked.

    Args:
        jobs: those of a plan.
        store: where their records would be.
        selection: the jobs that count; the noises that they need go along.

    Raises:
        RequestError: where the selection is wrong.
    """
    jobs = list(jobs)
    done, failed, missing = _by_record(selection.of(jobs), store, selection.retry)
    needed = {job.noise.key for job in missing}
    noises = [job for job in jobs if isinstance(job.cell, NoiseCell) and job.cell.key in needed]
    along, broken, new = _by_record(noises, store, selection.retry)
    broken_keys = {job.cell.key for job in broken}
    victims = [job for job in missing if not isinstance(job.cell, NoiseCell)]
    return Todo(
        done=tuple(done),
        failed=(*(job for job in broken if job not in failed), *failed),
        missing=tuple(job for job in (*new, *victims) if job.noise.key not in broken_keys),
        along=tuple(along),
        blocked=tuple(job for job in victims if job.noise.key in broken_keys),
    )


def _by_record(jobs: Iterable[Job], store: Store, retry: Retry | None) -> tuple[list[Job], list[Job], list[Job]]:
    """Split jobs into done, failed and missing by their own records."""
    done, failed, missing = [], [], []
    for job in jobs:
        record = store.read(job.cell)
        if record is None or (retry and record.status == "failed" and (retry == "failed" or timed_out(record))):
            missing.append(job)
        elif record.status == "failed":
            failed.append(job)
        else:
            done.append(job)
    return done, failed, missing
