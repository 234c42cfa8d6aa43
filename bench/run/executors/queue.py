"""Which job is next: noises before the victims that need them, and nothing that another runner works on."""

import time
from collections.abc import Iterator, Sequence

from attacks.core.errors import RequestError
from bench.config.models import NoiseCell
from bench.records.schema import Record
from bench.records.store import Store
from bench.run.executors.event import Event, ended
from bench.run.job import Job
from bench.run.leases import Leases, lease_file, warn_of_waiting
from bench.run.pretraining import pretrainings
from bench.run.time_limit import failed_itself


class Queue:
    """The jobs of a run that have not begun: noises before victims, the largest first.

    Args:
        jobs: the jobs to run, including every noise that they need.
        store: where their records go.
    """

    def __init__(self, jobs: Sequence[Job], store: Store) -> None:
        self._store = store
        self._leases = Leases(store.root)
        self._waiting = sorted(jobs, key=lambda job: (job.cell.kind == "victim", -job.passes.full))
        self._noises = {job.cell.key: job for job in jobs if isinstance(job.cell, NoiseCell)}
        self._missing = set(self._noises)
        self._lost: set[str] = set()
        self._is_told = False
        self._before = {job.cell.key: self._failure(job) for job in (*jobs, *pretrainings(jobs))}

    def next(self) -> Job | Event | None:
        """Lease a job that can begin, and return it; one whose pretraining has failed since we began is left out.

        Returns:
            The job; or the `ended` event of one that another runner has run; or None if none can begin now.
        """
        for job in self._ready():
            if not self._leases.take(job.cell):
                continue
            self._waiting.remove(job)
            if job.pretraining and self._has_failed(job.pretraining):
                self._leases.release(job.cell)
                continue
            if known := self._done_elsewhere(job):
                self.end(job, known)
                return ended(job, known)
            return job
        return None

    def end(self, job: Job, record: Record) -> None:
        """Note that a job has its record."""
        self._leases.release(job.cell)
        if record.status != "failed":
            self._missing.discard(job.cell.key)

    def put_back(self, job: Job, *, noise_lost: bool = False) -> None:
        """Take back a job that was stopped, or whose noise is no longer in the cache.

        Raises:
            RequestError: if the noise is lost again after it was regenerated.
        """
        self._leases.release(job.cell)
        self._waiting.append(job)
        if not noise_lost or job.noise.key in self._missing:
            return
        if job.noise.key in self._lost:
            raise RequestError(
                f"the noise of {job.cell.label} keeps disappearing from the cache; check the disk of --cache"
            )
        self._lost.add(job.noise.key)
        self._missing.add(job.noise.key)
        self._waiting.insert(0, self._noises[job.noise.key])

    def lost(self, job: Job) -> bool:
        """Return whether another runner took over the lease on a job of ours."""
        return self._leases.lost(job.cell)

    def close(self) -> None:
        """Give up all leases."""
        self._leases.release_all()

    def wait(self, seconds: float) -> bool:
        """Wait if all that is left is being done by other runners, the first time with a warning in the log.

        Returns:
            Whether anything is left.
        """
        job = next(self._ready(), None)
        if job and not self._is_told:
            warn_of_waiting(f"do {job.cell.label}", lease_file(self._store.root, job.cell))
            self._is_told = True
        if job:
            time.sleep(seconds)
        return job is not None

    def _ready(self) -> Iterator[Job]:
        return (job for job in list(self._waiting) if job.cell is job.noise or job.noise.key not in self._missing)

    def _done_elsewhere(self, job: Job) -> Record | None:
        """Return the record of a job that another runner has finished since we began, or None.

        None also for a noise that did not fail: it is handed out anyway, as it may be missing from our cache; if it is
        there, the job takes no time.
        """
        record = self._store.read(job.cell)
        if record is None or (record.status == "failed" and record.finished == self._before[job.cell.key]):
            return None
        return None if isinstance(job.cell, NoiseCell) and record.status != "failed" else record

    def _has_failed(self, pretraining: Job) -> bool:
        """Return whether a pretraining has failed since we began, other than by exceeding the time limit."""
        return failed_itself(self._done_elsewhere(pretraining))

    def _failure(self, job: Job) -> str | None:
        """Return when a job failed in an earlier run, or None if it did not; such a job is rerun."""
        record = self._store.read(job.cell)
        return record.finished if record and record.status == "failed" else None
