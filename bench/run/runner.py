"""Run a plan: find what is missing, compute it, report progress."""

import sys
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

from attacks.core.errors import RequestError, escaped, several
from bench.data.dataset import Places
from bench.records.store import Store
from bench.run.describe import lost_text
from bench.run.environment import code
from bench.run.executors import Executor
from bench.run.job import Job
from bench.run.plan import Plan
from bench.run.preflight import prepare_run
from bench.run.progress import progress_view
from bench.run.selection import Selection
from bench.run.tensorboard import TensorBoard
from bench.run.todo import Todo, partition


def run(
    plan: Plan,
    executor: Executor,
    *,
    results: Path,
    places: Places,
    selection: Selection,
    conclude: Callable[[], None],
    log: TensorBoard | None = None,
) -> int:
    """Run the missing cells of a plan, and print what is left.

    Args:
        plan: the plan.
        executor: runs its cells.
        results: where records go.
        places: where the datasets and the cache are.
        selection: the cells to run.
        conclude: shows the results, before what is left is printed.
        log: where cells are also logged as they end.

    Returns:
        0 if all cells are done, or submitted to a cluster; 1 if some failed, or lack their noise, or if the results
        cannot be shown.

    Raises:
        RequestError: for missing data or a wrong victim, before anything runs; or if the run cannot continue.
        KeyboardInterrupt: after printing what is left.
    """
    store = Store(results, (plan.protocol,))
    todo = partition(plan.jobs, store, selection)
    if todo.missing:
        prepare_run(todo.work, results, places)
        submitted = run_todo(todo, executor, places, log)
        todo = partition(plan.jobs, store, replace(selection, retry=None))
        if submitted:
            _say(
                f"{several(submitted, 'cell')} submitted; `python -m bench status` with the same --grid or --suite, "
                "--set, --results, --cache and --data shows their progress"
            )
            return 0
    is_shown = shows(conclude)
    failed, waiting = todo.failed, todo.blocked
    for job in failed:
        _say(f"failed: {job.cell.label}; more in {store.path(job.cell)}")
    if failed:
        what = "noise or pretraining" if any(job.pretraining for job in waiting) else "noise"
        _say(f"{len(failed)} failed, {len(waiting)} waiting for a failed {what}; --retry failed reruns them")
    warn_missing(todo.missing)
    return 1 if failed or todo.missing or not is_shown else 0


def warn_missing(jobs: Collection[Job]) -> None:
    """Say how many jobs have no record after a run, if there are any."""
    if jobs:
        _say(f"{len(jobs)} still missing: their noise could not be regenerated, or differs from its record")


def shows(conclude: Callable[[], None]) -> bool:
    """Show the results of a run that is over, and return whether that succeeded; if not, print why."""
    try:
        conclude()
    except BrokenPipeError:
        raise  # whoever reads the output has seen enough
    except (RequestError, OSError) as error:
        _say(f"error: {escaped(str(error))}; the run is over and its records are kept")
        return False
    return True


def run_todo(todo: Todo, executor: Executor, places: Places, log: TensorBoard | None = None, later: int = 0) -> int:
    """Run the missing cells, show progress, and return how many cells were submitted to a cluster.

    Recorded noises that must be regenerated are announced first.

    Args:
        todo: the cells.
        executor: runs them.
        places: where the cache is.
        log: where cells are also logged as they end.
        later: how many more cells the caller will run afterwards, which an interrupt message counts as left.

    Raises:
        KeyboardInterrupt: after printing what is left.
    """
    if lost := todo.lost(places):
        _say(lost_text(lost, todo.records))
    left, submitted = {job.cell.key for job in todo.work}, 0
    code()  # cached now, for the records of workers that die later
    try:
        with progress_view(todo.work) as shown:
            for event in executor.run(todo.work):
                shown.tell(event)
                if log:
                    log.tell(event)
                if event.kind == "ended" and event.status != "failed":
                    left.discard(event.job.cell.key)
                submitted += event.kind == "submitted"
    except KeyboardInterrupt:
        count = several(len(todo.work) + later, "cell")
        _say(f"interrupted: {len(left) + later} of {count} left; repeat the command to resume")
        raise
    return submitted


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
