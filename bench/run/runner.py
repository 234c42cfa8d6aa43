"""Run a plan: find what is missing, have it made, say how it goes."""

import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.data import entry
from bench.records.store import Store
from bench.run.executors.local import LocalExecutor
from bench.run.plan import Job, Plan
from bench.run.progress import view
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
    todo = sort_out(plan.jobs, Store(workplaces[0].results), only=only, retry_failed=retry_failed)
    failed = list(todo.failed)
    if todo.missing:
        _check(todo.missing, workplaces[0])
        failed += _carry_out(todo, workplaces)
    _conclude(workplaces[0].results)
    for job in failed:
        _say(f"failed: {job.cell.label}")
    if failed or todo.blocked:
        _say(f"{len(failed)} failed, {len(todo.blocked)} wait for a noise that failed; --retry failed makes them again")
    return 1 if failed or todo.blocked else 0


def _check(jobs: Iterable[Job], workplace: Workplace) -> None:
    """See that data and networks are there and fit each other."""
    jobs = list(jobs)
    for dataset in sorted({job.dataset for job in jobs}):
        entry(dataset, workplace.places).check(workplace.places)
    from victims.network import check

    for network, side in sorted({(job.network, job.shape[1]) for job in jobs if job.network}):
        check(network, size=side)


def _carry_out(todo: Todo, workplaces: Sequence[Workplace]) -> list[Job]:
    """Return the jobs that failed or could not begin."""
    waiting = {job.cell.key: job for job in todo.missing}
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
                if status != "failed":
                    del waiting[event.job.cell.key]
    except KeyboardInterrupt:
        shown.close()
        _say(f"interrupted: {len(waiting)} of {len(todo.missing)} cells are left; the same command goes on with them")
        raise
    finally:
        shown.close()
    return list(waiting.values())


def _conclude(results: Path) -> None:
    """Write the leaderboard beside the records and print it."""
    from bench.records.frame import load_records
    from bench.report.leaderboard import write
    from bench.report.tables import build_tables
    from bench.report.terminal import terminal

    if not results.is_dir():
        return
    files = write(results, results)
    for table in build_tables(load_records(results)):
        print(terminal(table, width=shutil.get_terminal_size((100, 24)).columns))
    _say("written: " + ", ".join(str(file) for file in files))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
