"""Run a plan: find what is missing, have it made, say how it goes."""

import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from attacks.files import check_writable
from bench.data import entry
from bench.noise.fit import check_given
from bench.records.store import Store
from bench.run.executors.local import LocalExecutor
from bench.run.networks import check_networks
from bench.run.plan import Job, Plan
from bench.run.progress import loading, view
from bench.run.todo import Todo, sort_out
from bench.run.workplace import Workplace


def run(plan: Plan, workplaces: Sequence[Workplace], *, only: str | None, retry_failed: bool) -> int:
    """Make what a plan misses, then print the leaderboard of its folder.

    Args:
        plan: what there is to do.
        workplaces: one per worker.
        only, retry_failed: as in `sort_out`.

    Returns:
        0 where all cells are done, 1 where some failed.

    Raises:
        RequestError: for missing data or a wrong victim, before anything runs; or where the run cannot go on.
        KeyboardInterrupt: after saying what is left.
    """
    store = Store(workplaces[0].results)
    todo = sort_out(plan.jobs, store, only=only, retry_failed=retry_failed)
    if todo.missing:
        prepare(todo.missing, workplaces[0])
        carry_out(todo, workplaces)
        todo = sort_out(plan.jobs, store, only=only)
    _conclude(plan, workplaces[0].results)
    failed, waiting = todo.failed, todo.blocked
    for job in failed:
        _say(f"failed: {job.cell.label}")
    if failed:
        _say(f"{len(failed)} failed, {len(waiting)} wait for a noise that failed; --retry failed makes them again")
    return 1 if failed else 0


def prepare(jobs: Iterable[Job], workplace: Workplace) -> None:
    """See that data, networks and folders are there and fit each other; fetch and decode data once, for all workers."""
    jobs = list(jobs)
    entries = {dataset: entry(dataset, workplace.places) for dataset in sorted({job.dataset for job in jobs})}
    for found in entries.values():
        found.check(workplace.places)
    check_networks(jobs)
    for folder in (workplace.results, workplace.places.cache):
        check_writable(folder)
    for name, found in entries.items():
        with loading(found.name) as progress:
            dataset = found.load(workplace.places, progress)
        check_given((job for job in jobs if job.dataset == name), dataset)


def carry_out(todo: Todo, workplaces: Sequence[Workplace]) -> None:
    """Make what is missing, and show how it goes."""
    left = len(todo.missing)
    shown = view(todo.missing)
    try:
        for event in LocalExecutor(workplaces).run(todo.missing):
            if event.kind == "began":
                shown.began(event.job)
            elif event.kind == "progress":
                shown.progress(event.job, event.share)
            else:
                status, _, error = event.text.partition("\n")
                shown.ended(event.job, status, error)
                left -= status != "failed"
    except KeyboardInterrupt:
        shown.close()
        _say(f"interrupted: {left} of {len(todo.missing)} cells are left; the same command goes on with them")
        raise
    finally:
        shown.close()


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
