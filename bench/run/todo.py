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
    done, failed, missing = [], [], []
    for job in _chosen(jobs, only):
        record = store.read(job.cell)
        if record is None or (record.status == "failed" and retry_failed):
            missing.append(job)
        elif record.status == "failed":
            failed.append(job)
        else:
            done.append(job)
    broken = {job.cell.key for job in failed}
    # a noise that has its record may have left the cache: it goes along, and is quick where it has not
    needed = {job.noise.key for job in missing} - broken
    noises = [job for job in jobs if isinstance(job.cell, NoiseCell) and job.cell.key in needed]
    victims = [job for job in missing if not isinstance(job.cell, NoiseCell) and job.noise.key in needed]
    return Todo(
        done=tuple(job for job in done if job.cell.key not in needed),
        failed=tuple(failed),
        missing=(*noises, *victims),
        blocked=tuple(job for job in missing if job.noise.key in broken),
    )


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
