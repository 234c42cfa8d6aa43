"""Run a plan: find what is missing, have it made, say how it goes."""

import shutil
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from attacks.core.files import check_writable, remove_parts
from bench.data import entry
from bench.data.dataset import Places
from bench.noise.fit import check_given
from bench.records.store import Store
from bench.run.environment import code
from bench.run.executors import Executor
from bench.run.networks import check_networks
from bench.run.plan import Job, Plan
from bench.run.progress import loading, view
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
    log: TensorBoard | None = None,
) -> int:
    """Make what a plan misses, then print the leaderboard of its folder.

    Args:
        plan: what there is to do.
        executor: what does it.
        results: where records go.
        places: where datasets lie, and the cache.
        selection: the cells that are to be done.
        log: where cells are shown as they end, beside their records.

    Returns:
        0 where all cells are done, or handed to a cluster; 1 where some failed, or miss a noise.

    Raises:
        RequestError: for missing data or a wrong victim, before anything runs; or where the run cannot go on.
        KeyboardInterrupt: after saying what is left.
    """
    store = Store(results, (plan.protocol,))
    todo = partition(plan.jobs, store, selection)
    if todo.missing:
        prepare(todo.work, results, places)
        submitted = carry_out(todo, executor, log)
        todo = partition(plan.jobs, store, replace(selection, retry=None))
        if submitted:
            _say(f"{submitted} cells are handed over; `python -m bench status` shows how they go")
            return 0
    _conclude(plan, results)
    failed, waiting = todo.failed, todo.blocked
    for job in failed:
        _say(f"failed: {job.cell.label}")
    if failed:
        _say(f"{len(failed)} failed, {len(waiting)} wait for a noise that failed; --retry failed makes them again")
    if todo.missing:
        _say(f"{len(todo.missing)} are still to do, since the noise that they need could not be made again")
    return 1 if failed or todo.missing else 0


def prepare(jobs: Iterable[Job], results: Path, places: Places) -> None:
    """See that data, networks and folders are there and fit each other; fetch and decode data once, for all workers."""
    jobs = list(jobs)
    entries = {dataset: entry(dataset, places) for dataset in sorted({job.dataset for job in jobs})}
    for found in entries.values():
        found.check(places)
    check_networks(jobs)
    for folder in (results, places.cache):
        check_writable(folder)
    for folder in (results, *(places.cache / name for name in ("datasets", "noise", "prepared", "unfinished"))):
        remove_parts(folder)
    for name, found in entries.items():
        with loading(found.name) as progress:
            dataset = found.load(places, progress)
        check_given((job for job in jobs if job.dataset == name), dataset)


def carry_out(todo: Todo, executor: Executor, log: TensorBoard | None = None) -> int:
    """Have made what is missing, show how it goes, and return how many cells were handed to a cluster."""
    left, submitted = len(todo.work), 0
    code()  # noted now, for the records of workers that die later
    try:
        with view(todo.work) as shown:
            for event in executor.run(todo.work):
                shown.tell(event)
                if log:
                    log.tell(event)
                left -= event.kind == "ended" and event.status != "failed"
                submitted += event.kind == "submitted"
    except KeyboardInterrupt:
        _say(f"interrupted: {left} of {len(todo.work)} cells are left; the same command goes on with them")
        raise
    return submitted


def _conclude(plan: Plan, results: Path) -> None:
    """Write the leaderboard of all records beside them, and print that of the plan."""
    from bench.records.frame import load_records
    from bench.report.leaderboard import write
    from bench.report.tables import build_tables
    from bench.report.terminal import terminal

    files = write(results, results)
    records = load_records(results)
    for table in build_tables(records[records["key"].isin([job.cell.key for job in plan.jobs])]):
        print(terminal(table, width=shutil.get_terminal_size((100, 24)).columns))
    _say("written: " + ", ".join(str(file) for file in files))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
