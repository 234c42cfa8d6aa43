"""Progress of a grid, including other machines' work: cells done, running, to do and failed, and the current rate."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from attacks.core.errors import escaped, first_line, several
from bench.config.models import NoiseCell
from bench.data.dataset import Places
from bench.records.schema import Record
from bench.records.store import Store
from bench.run.describe import table_text
from bench.run.executors.slurm.ledger import queued
from bench.run.job import Job
from bench.run.leases import leased
from bench.run.plan import remaining
from bench.run.progress import duration, work
from bench.run.todo import Todo

WINDOW = timedelta(hours=1)  # over which the rate is measured
States = Mapping[str, Sequence[Job]]


def describe_status(todo: Todo, results: Path, places: Places, now: datetime | None = None) -> str:
    """Return counts per dataset, method and victim, the rate over the last hour, what is running, and what failed.

    Args:
        todo: the cells of a grid.
        results: where their records are, and the leases of the runners working on them.
        places: where the cache is.
        now: the current time, with its time zone; None to read the clock.
    """
    held = {job.cell.key for job in todo.work if leased(results, job.cell)}  # also a recorded noise that is made again
    states = _states(todo, results, held)
    counts: dict[tuple[str, str, str], Counter[str]] = {}
    for state, jobs in states.items():
        for job in jobs:
            cell = job.cell
            what = "(noise)" if isinstance(cell, NoiseCell) else cell.victim
            counts.setdefault((cell.dataset, cell.method, what), Counter())[state] += 1
    rows = [(*name, *(str(count[state]) for state in states)) for name, count in sorted(counts.items())]
    return "\n".join(
        [
            table_text(("dataset", "method", "victim", *states), rows),
            ", ".join(f"{len(jobs)} {state}" for state, jobs in states.items()),
            *_pace(todo, now or datetime.now(UTC), places, is_running=bool(held)),
            *(f"running: {job.cell.label}" for job in states["running"]),
            *_failures(todo, Store(results)),
        ]
    )


def _states(todo: Todo, results: Path, held: Collection[str]) -> States:
    in_queue = queued(results)
    rest = [job for job in todo.missing if job.cell.key not in held]
    return {
        "done": todo.done,
        "running": [job for job in todo.missing if job.cell.key in held],
        "queued": [job for job in rest if job.cell.key in in_queue],
        "to do": [job for job in rest if job.cell.key not in in_queue],
        "waiting": todo.blocked,
        "failed": todo.failed,
    }


def _pace(todo: Todo, now: datetime, places: Places, *, is_running: bool) -> Iterable[str]:
    """Return the cells completed in the last hour, nothing if there were none; if anything runs, also the time left."""
    ends = {job.cell.key: _finished(todo.records[job.cell.key]) for job in todo.done}
    last = [job for job in todo.done if (end := ends[job.cell.key]) and now - WINDOW <= end <= now]
    if not last:
        return
    # the first one to end only marks the start of the measured time: its own work lies before that and does not count
    first = min(last, key=lambda job: ends[job.cell.key] or now)
    began = ends[first.cell.key] or now
    passes = sum(work(job) for job in last if job is not first)
    line = f"last hour: {several(len(last), 'cell')}"
    if passes and todo.missing and is_running and now > began:
        seconds = (now - began).total_seconds() * sum(map(work, remaining(todo.missing, places))) / passes
        line += f"; about {duration(seconds)} remaining at this rate"
    yield line


def _finished(record: Record) -> datetime | None:
    try:
        found = datetime.fromisoformat(record.finished)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _failures(todo: Todo, store: Store) -> Iterable[str]:
    for job in todo.failed:
        reason = first_line(todo.records[job.cell.key].error or "?")
        yield f"failed: {job.cell.label}: {reason}; more in {escaped(str(store.path(job.cell)))}"
