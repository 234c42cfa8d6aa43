"""Submit jobs: the noises as arrays, and for each noise its victims as arrays that wait for it."""

import contextlib
import io
import shutil
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from attacks.core.files import unwritable
from bench.config.models import NoiseCell
from bench.records.noise_cache import find_noise
from bench.records.store import Store
from bench.run.executors import Request
from bench.run.executors.event import Event, ended
from bench.run.executors.slurm import ledger
from bench.run.executors.slurm.commands import call, most_tasks, refused
from bench.run.executors.slurm.task import carry_out
from bench.run.plan import Job

if TYPE_CHECKING:
    import submitit

# options of sbatch that are not the user's: they say how a task is started, or hold a submission together
OWN = frozenset(
    (
        *("array", "dependency", "hold", "job-name", "kill-on-invalid-dep", "requeue"),
        *("nodes", "ntasks", "ntasks-per-node", "error", "output"),
    )
)


class SlurmExecutor:
    """Hands jobs to Slurm; nothing is waited for."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._store = Store(request.results)

    def run(self, jobs: Sequence[Job]) -> Iterator[Event]:
        """Submit what is neither made nor queued, and yield that jobs are handed over.

        Raises:
            RequestError: where Slurm refuses; then nothing is submitted.
        """
        made = [event for job in jobs if (event := self._made(job))]
        handed = {event.job.cell.key for event in made}
        ids = ledger.ids_in_queue(self._request.results)
        if missing := [job for job in jobs if job.cell.key not in ids.keys() | handed]:
            noises = {job.cell.key: job for job in jobs if isinstance(job.cell, NoiseCell)}
            _Submission(self._request, noises, ids).submit(missing)
        yield from made
        yield from (Event(job=job, kind="submitted") for job in jobs if job.cell.key not in handed)

    def _made(self, job: Job) -> Event | None:
        """Return the end of a noise that is there already; one that is damaged is made again by a victim's task."""
        record = self._store.read(job.cell) if isinstance(job.cell, NoiseCell) else None
        if record and record.status != "failed" and find_noise(self._request.places, job.noise, job.protocols).exists():
            return ended(job, record)
        return None


class _Submission:
    """Jobs that are submitted together: all of them, or none.

    Args:
        request: what the user asks for.
        noises: the jobs of noises, by the key of their cell.
        ids: of the jobs that are queued, by the key of their cell; those submitted are added.
    """

    def __init__(self, request: Request, noises: dict[str, Job], ids: dict[str, str]) -> None:
        self._request = request
        self._noises = noises
        self._ids = ids
        self._folder = ledger.new_folder(request.results)

    def submit(self, jobs: Sequence[Job]) -> None:
        """Submit jobs, held until the last one is there: none can end before those that wait for it are known."""
        size = most_tasks()
        try:
            for noise, group in groupby(jobs, lambda job: None if job.cell is job.noise else job.noise.key):
                batch = list(group)
                for start in range(0, len(batch), size):
                    self._submit_array(batch[start : start + size], after=self._ids.get(noise or ""))
            ledger.note(self._folder, {job.cell.key: self._ids[job.cell.key] for job in jobs})
            call("scontrol", "release", f"jobname={self._folder.name}")
        except BaseException:
            call("scancel", f"--name={self._folder.name}")
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    def _submit_array(self, jobs: Sequence[Job], *, after: str | None) -> None:
        """Submit one array.

        Args:
            jobs: one for each of its tasks.
            after: the job that has to succeed first.
        """
        executor = _executor(self._folder, self._request, len(jobs), after)
        tasks = [partial(carry_out, self._with_noise(job), self._request) for job in jobs]
        try:
            with contextlib.redirect_stderr(io.StringIO()):  # submitit prints there what it then raises
                submitted = executor.submit_array(tasks)
        except OSError as error:
            raise unwritable(self._folder, error) from error
        except RuntimeError as error:  # submitit's, with what sbatch said
            raise refused(str(error)) from error
        self._ids.update((job.cell.key, done.job_id) for job, done in zip(jobs, submitted, strict=True))

    def _with_noise(self, job: Job) -> tuple[Job, ...]:
        """Return what a task is about: a victim's noise goes along, in case it has to be made again."""
        return (job,) if job.cell is job.noise else (self._noises[job.noise.key], job)


def _executor(folder: Path, request: Request, count: int, after: str | None) -> "submitit.SlurmExecutor":
    """Return what submits an array of `count` tasks."""
    from submitit import SlurmExecutor as Submitit

    executor = Submitit(folder=folder)
    cores = request.resources.get("cpus-per-task")
    executor.update_parameters(
        job_name=folder.name,
        time=None,  # that of the partition, unless the resources say otherwise
        wckey=None,
        array_parallelism=request.jobs or count,
        srun_args=[f"--cpus-per-task={cores}"] if cores else [],  # srun takes it from sbatch in older versions only
        additional_parameters=dict(request.resources)
        | {"hold": True, "requeue": True}
        | ({"dependency": f"afterok:{after}", "kill-on-invalid-dep": "yes"} if after else {}),
    )
    return executor
