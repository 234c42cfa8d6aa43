"""Sort a plan's jobs by what is left to do."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from attacks.methods import method
from attacks.methods.clean import CLEAN
from bench.config.models import NoiseCell
from bench.data.dataset import Places
from bench.records.noise_cache import find_noise
from bench.records.schema import Record
from bench.records.store import Store
from bench.run.job import Job
from bench.run.pretraining import pretrainings
from bench.run.selection import Retry, Selection
from bench.run.time_limit import failed_itself, timed_out

ALL = Selection()


@dataclass(frozen=True, kw_only=True)
class Todo:
    """The jobs of a plan by what is left to do.

    Attributes:
        done: jobs whose record has status `ok` or `budget_exhausted`.
        failed: jobs whose record has status `failed` and that are not to be retried, and such noises and
            pretrainings that missing ones need.
        missing: jobs to run, including the noises that they need.
        along: recorded noises that a missing victim needs; regenerated if they are no longer in the cache.
        blocked: jobs that cannot run because their noise, or the pretraining of their weights, failed.
        records: the existing records, by the key of their cell.
    """

    done: tuple[Job, ...]
    failed: tuple[Job, ...]
    missing: tuple[Job, ...]
    along: tuple[Job, ...]
    blocked: tuple[Job, ...]
    records: Mapping[str, Record]

    @property
    def work(self) -> tuple[Job, ...]:
        """The jobs to run."""
        return (*self.along, *self.missing)

    def lost(self, places: Places) -> tuple[Job, ...]:
        """The noises of `along` that must be regenerated."""
        return tuple(job for job in self.along if not is_at_hand(job, places))


def is_at_hand(job: Job, places: Places) -> bool:
    """Return whether the noise of a job is in the cache, or needs no work: `clean`'s zeros and noise files."""
    if job.method == CLEAN.name or method(job.method).recipe.ready_made:
        return True
    return find_noise(places, job.noise, job.protocols).exists()


def partition(jobs: Iterable[Job], store: Store, selection: Selection = ALL) -> Todo:
    """Split jobs into done, failed, missing and blocked.

    Args:
        jobs: the jobs of a plan.
        store: where their records would be.
        selection: the jobs that count; the noises that they need are included.

    Raises:
        RequestError: if the selection is wrong.
    """
    jobs = list(jobs)
    chosen = list(selection.of(jobs))
    records = {job.cell.key: record for job in chosen if (record := store.read(job.cell))}
    done, failed, missing = _by_record(chosen, records, selection.retry)
    sources = list(pretrainings(missing))
    records |= {job.cell.key: record for job in sources if (record := store.read(job.cell))}
    diverged = [job for job in _by_record(sources, records, selection.retry)[1] if failed_itself(records[job.cell.key])]
    lacking, missing = _lacking(missing, {job.cell.key for job in diverged})
    needed = {job.noise.key for job in missing}
    noises = [job for job in jobs if isinstance(job.cell, NoiseCell) and job.cell.key in needed]
    unread = [job for job in noises if job.cell.key not in records]
    records |= {job.cell.key: record for job in unread if (record := store.read(job.cell))}
    along, broken, new = _by_record(noises, records, selection.retry)
    failed_keys = {job.cell.key for job in failed}
    broken_keys = {job.cell.key for job in broken}
    victims = [job for job in missing if not isinstance(job.cell, NoiseCell)]
    return Todo(
        done=tuple(done),
        failed=(*(job for job in (*diverged, *broken) if job.cell.key not in failed_keys), *failed),
        missing=tuple(job for job in (*new, *victims) if job.noise.key not in broken_keys),
        along=tuple(along),
        blocked=(*lacking, *(job for job in victims if job.noise.key in broken_keys)),
        records=records,
    )


def _lacking(jobs: Iterable[Job], failed: Collection[str]) -> tuple[list[Job], list[Job]]:
    """Split jobs into those whose pretraining is among the cells that failed, given by their keys, and the others."""
    lacking, others = list[Job](), list[Job]()
    for job in jobs:
        (lacking if job.pretraining and job.pretraining.cell.key in failed else others).append(job)
    return lacking, others


def _by_record(
    jobs: Iterable[Job], records: Mapping[str, Record], retry: Retry | None
) -> tuple[list[Job], list[Job], list[Job]]:
    """Split jobs into done, failed and missing by their own records."""
    done, failed, missing = [], [], []
    for job in jobs:
        record = records.get(job.cell.key)
        if record is None or (retry and record.status == "failed" and (retry == "failed" or timed_out(record))):
            missing.append(job)
        elif record.status == "failed":
            failed.append(job)
        else:
            done.append(job)
    return done, failed, missing
