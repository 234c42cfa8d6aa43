"""Sort a plan's jobs by what is to be done with them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from attacks.errors import RequestError
from bench.config.models import NoiseCell
from bench.records.store import Store
from bench.run.plan import Job


@dataclass(frozen=True, kw_only=True)
class Todo:
    """The jobs of a plan by what is to be done with them.

    Attributes:
        done: their records say `ok`, or that a budget ended them.
        failed: their records say `failed`, and no retry was asked for.
        missing: to be made, with the noises that they need.
        blocked: cannot be made, since their noise failed.
    """

    done: tuple[Job, ...]
    failed: tuple[Job, ...]
    missing: tuple[Job, ...]
    blocked: tuple[Job, ...]


def sort_out(jobs: Iterable[Job], store: Store, *, only: str | None = None, retry_failed: bool = False) -> Todo:
    """Split jobs into done, failed, missing and blocked.

    Args:
        jobs: those of a plan.
        store: where their records would be.
        only: a regular expression; only jobs whose label it is found in count, and the noises that they need.
        retry_failed: count failed ones as missing.

    Raises:
        RequestError: for a broken regular expression, or one that no label matches.
    """
    jobs = list(jobs)
    done, failed, missing = _by_record(_chosen(jobs, only), store, retry_failed=retry_failed)
    # a noise that has its record may have left the cache: it goes along, and is quick where it has not
    needed = {job.noise.key for job in missing}
    noises = [job for job in jobs if isinstance(job.cell, NoiseCell) and job.cell.key in needed]
    _, broken, _ = _by_record(noises, store, retry_failed=retry_failed)
    broken_keys = {job.cell.key for job in broken}
    victims = [job for job in missing if not isinstance(job.cell, NoiseCell)]
    return Todo(
        done=tuple(job for job in done if job.cell.key not in needed),
        failed=(*(job for job in broken if job not in failed), *failed),
        missing=tuple(job for job in (*noises, *victims) if job.noise.key not in broken_keys),
        blocked=tuple(job for job in victims if job.noise.key in broken_keys),
    )


def _by_record(jobs: Iterable[Job], store: Store, *, retry_failed: bool) -> tuple[list[Job], list[Job], list[Job]]:
    """Split jobs into done, failed and missing by their own records."""
    done, failed, missing = [], [], []
    for job in jobs:
        record = store.read(job.cell)
        if record is None or (record.status == "failed" and retry_failed):
            missing.append(job)
        elif record.status == "failed":
            failed.append(job)
        else:
            done.append(job)
    return done, failed, missing


def _chosen(jobs: list[Job], only: str | None) -> list[Job]:
    if only is None:
        return jobs
    try:
        pattern = re.compile(only)
    except re.error as error:
        raise RequestError(f"--only {only!r} is not a regular expression: {error}") from None
    chosen = [job for job in jobs if pattern.search(job.cell.label)]
    if not chosen:
        raise RequestError(f"--only {only!r} matches no cell; a cell's name looks like {jobs[-1].cell.label!r}")
    return chosen
