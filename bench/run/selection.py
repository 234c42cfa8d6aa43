"""The cells of a plan that a command selects."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from attacks.core.errors import RequestError, several
from bench.run.job import Job

Retry = Literal["failed", "timeout"]


@dataclass(frozen=True, kw_only=True)
class Shard:
    """One of `count` parts of the cells, numbered from 1; a noise and its victims are in the same part."""

    number: int
    count: int


@dataclass(frozen=True, kw_only=True)
class Selection:
    """A selection of a plan's cells.

    Attributes:
        only: a regular expression to search for in a cell's label.
        shard: the part of the cells that `only` leaves.
        retry: which failed cells count as missing: all of them, or those that exceeded the time limit.
    """

    only: str | None = None
    shard: Shard | None = None
    retry: Retry | None = None

    def of(self, jobs: Iterable[Job]) -> list[Job]:
        """Return the jobs of a plan that are selected.

        Raises:
            RequestError: for an invalid regular expression, or if nothing is left.
        """
        return _part(_matching(list(jobs), self.only), self.shard)


def shard_of(text: str) -> Shard:
    """Parse a shard such as `2/8`.

    Raises:
        RequestError: for any other text, or a number that is not from 1 to the count.
    """
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise RequestError(f"--shard takes I/N, such as 1/4 for the first of four parts, not {text!r}")
    return Shard(number=int(found[1]), count=int(found[2]))


def _part(jobs: list[Job], shard: Shard | None) -> list[Job]:
    if shard is None:
        return jobs
    keys = list(dict.fromkeys(job.noise.key for job in jobs))
    ours = set(keys[shard.number - 1 :: shard.count])
    part = [job for job in jobs if job.noise.key in ours]
    if not part:
        only = several(len(keys), "noise")
        raise RequestError(f"--shard {shard.number}/{shard.count} is empty: the selection has only {only}")
    return part


def _matching(jobs: list[Job], only: str | None) -> list[Job]:
    if only is None:
        return jobs
    try:
        pattern = re.compile(only)
    except (re.error, OverflowError, RecursionError) as error:
        raise RequestError(f"--only {only!r:.200} is not a regular expression: {error}") from None
    chosen = [job for job in jobs if pattern.search(job.cell.label)]
    if not chosen:
        raise RequestError(f"--only {only!r} matches no cell; a cell's name looks like {jobs[-1].cell.label!r}")
    return chosen
