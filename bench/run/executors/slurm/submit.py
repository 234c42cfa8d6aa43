"""Submit jobs: all noises as arrays, and the victims of each noise as arrays that wait for it."""

import contextlib
import io
import logging
import shutil
import signal
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from attacks.core.errors import RequestError
from attacks.core.files import unwritable
from bench.config.models import NoiseCell
from bench.records.schema import Record
from bench.records.store import Store
from bench.run.executors import ExecutorRequest
from bench.run.executors.event import Event, ended
from bench.run.executors.slurm import ledger
from bench.run.executors.slurm.commands import call, most_tasks, refused
from bench.run.executors.slurm.task import run_slurm_task
from bench.run.executors.variables import variables
from bench.run.job import Job, protocols_of
from bench.run.pretraining import failure_of
from bench.run.todo import is_at_hand

if TYPE_CHECKING:
    import submitit

# options of sbatch that users cannot set: they say how a task is started, or hold a submission together
OWN = frozenset(
    (
        *("array", "dependency", "hold", "job-name", "kill-on-invalid-dep", "requeue"),
        *("nodes", "ntasks", "ntasks-per-node", "error", "output"),
    )
)

log = logging.getLogger(__name__)


class SlurmExecutor:
    """Submits jobs to Slurm without waiting for them."""

    def __init__(self, request: ExecutorRequest) -> None:
        self._request = request

    def run(self, jobs: Sequence[Job]) -> Iterator[Event]:
        """Submit what is neither made nor queued; yield the noises that are already made, then the submitted jobs.

        Raises:
            RequestError: if Slurm refuses a job; then nothing is submitted.
        """
        store = Store(self._request.results, protocols_of(jobs))
        made = [event for job in jobs if (event := self._made(job, store))]
        handed = {event.job.cell.key for event in made}
        ids = ledger.ids_in_queue(self._request.results)
        if missing := [job for job in jobs if job.cell.key not in ids.keys() | handed]:
            noises = {job.cell.key: job for job in jobs if isinstance(job.cell, NoiseCell)}
            _Submission(self._request, noises, ids).submit(missing)
        yield from made
        yield from (Event(job=job, kind="submitted") for job in jobs if job.cell.key not in handed)

    def _made(self, job: Job, store: Store) -> Event | None:
        """Return the `ended` event of a noise that is already made; if damaged, a victim's task will regenerate it."""
        record = store.read(job.cell) if isinstance(job.cell, NoiseCell) else None
        if record and record.status != "failed" and is_at_hand(job, self._request.places):
            return ended(job, record)
        return None


class _Submission:
    """Jobs that are submitted together: all of them, or none.

    Args:
        request: what the user asks for.
        noises: the jobs of noises, by the key of their cell.
        ids: the Slurm ids of queued jobs, by the key of their cell; those of submitted jobs are added.
    """

    def __init__(self, request: ExecutorRequest, noises: dict[str, Job], ids: dict[str, str]) -> None:
        self._request = request
        self._noises = noises
        self._ids = ids
        self._folder = ledger.submission_folder(request.results)

    def submit(self, jobs: Sequence[Job]) -> None:
        """Submit jobs, held until all are submitted, so that none can end before those that wait for it are known."""
        size = most_tasks()
        batches: dict[str, list[Job]] = {"": []}  # the noises first, then the victims of each
        for job in jobs:
            batches.setdefault("" if job.cell is job.noise else job.noise.key, []).append(job)
        try:
            for noise, batch in batches.items():
                for start in range(0, len(batch), size):
                    self._submit_array(batch[start : start + size], after=self._ids.get(noise))
            ledger.note(self._folder, {job.cell.key: self._ids[job.cell.key] for job in jobs})
            call("scontrol", "release", f"jobname={self._folder.name}")
        except BaseException:
            try:
                call("scancel", f"--name={self._folder.name}")
            except RequestError as error:
                log.warning("%s; to cancel the jobs, which are held: scancel --name=%s", error, self._folder.name)
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    def _submit_array(self, jobs: Sequence[Job], *, after: str | None) -> None:
        """Submit one array.

        Args:
            jobs: one per task of the array.
            after: the id of the Slurm job that has to succeed first.
        """
        executor = _executor(self._folder, self._request, len(jobs), after)
        tasks = [partial(run_slurm_task, self._with_noise(job), self._request, self._failure(job)) for job in jobs]
        try:
            # submitit prints its error to stderr before raising it
            with _uninterrupted(), contextlib.redirect_stderr(io.StringIO()):
                submitted = executor.submit_array(tasks)
        except OSError as error:
            raise unwritable(self._folder, error) from error
        except RuntimeError as error:  # from submitit, with what sbatch printed
            raise refused(str(error)) from error
        self._ids.update((job.cell.key, done.job_id) for job, done in zip(jobs, submitted, strict=True))

    def _with_noise(self, job: Job) -> tuple[Job, ...]:
        """Return the jobs of a task: a victim's comes after that of its noise, in case it has to be regenerated."""
        return (job,) if job.cell is job.noise else (self._noises[job.noise.key], job)

    def _failure(self, job: Job) -> Record | None:
        """Return the record of the pretraining that a job needs if it has already failed; it is retried then."""
        return failure_of(job.pretraining, self._request.results) if job.pretraining else None


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Delay interrupts until the end, for sbatch too: a job submitted after one would not be cancelled."""
    both, late = (signal.SIGINT, signal.SIGTERM), []
    before = [signal.signal(each, lambda number, _: late.append(number)) for each in both]
    unblocked = signal.pthread_sigmask(signal.SIG_BLOCK, both)  # inherited by sbatch, unlike the handlers
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
        for each, handler in zip(both, before, strict=True):
            signal.signal(each, handler)
        for number in late:
            signal.raise_signal(number)


def _executor(folder: Path, request: ExecutorRequest, count: int, after: str | None) -> "submitit.SlurmExecutor":
    """Return the submitit executor that submits an array of `count` tasks."""
    # submitit's logging setup closes every handler of the process; tasks set up their own logging, and log as usual
    with variables(SUBMITIT_LOG_LEVEL="NOCONFIG"):
        from submitit import SlurmExecutor as Submitit

    executor = Submitit(folder=folder)
    cores = request.resources.get("cpus-per-task")
    executor.update_parameters(
        job_name=folder.name,
        time=None,  # the partition's limit, unless the resources set one
        wckey=None,
        array_parallelism=request.jobs or count,
        srun_args=[f"--cpus-per-task={cores}"] if cores else [],  # only older versions of srun take it from sbatch
        additional_parameters=dict(request.resources)
        | {"hold": True, "requeue": True}
        | ({"dependency": f"afterok:{after}", "kill-on-invalid-dep": "yes"} if after else {}),
    )
    return executor
