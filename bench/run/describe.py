"""Plans and their state as text."""

from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from attacks.cost import Passes
from bench.config.models import NoiseCell
from bench.records.store import Store
from bench.run.estimate import estimate
from bench.run.networks import check_networks
from bench.run.plan import Job, Plan
from bench.run.progress import duration
from bench.run.todo import Todo, sort_out
from bench.run.workplace import Workplace


def describe_plan(plan: Plan, workplaces: Sequence[Workplace], *, only: str | None) -> str:
    """Return every cell of a plan with its passes and state, and the sums."""
    todo = sort_out(plan.jobs, Store(workplaces[0].results), only=only)
    rows = [
        (job.cell.label, f"{_count(job.passes):,}", state)
        for state, jobs in (("done", todo.done), ("failed", todo.failed), ("to do", (*todo.missing, *todo.blocked)))
        for job in jobs
    ]
    check_networks(todo.missing)
    left = sum((job.passes for job in todo.missing), Passes())
    seconds = estimate(todo.missing, workplaces)
    place = workplaces[0]
    device = f"{place.device}, {len(workplaces)} worker(s) of {place.threads} thread(s)"
    return "\n".join(
        [
            table_text(("cell", "image-passes", "state"), rows),
            f"{plan.grid.name}: {len(rows)} cells of protocol {plan.protocol.name}, {len(todo.missing)} to make",
            f"to go: {_count(left):,} image-passes, about {duration(seconds)} on {device}",
        ]
    )


def describe_status(todo: Todo, store: Store) -> str:
    """Return counts per method and victim, and each failure with its reason."""
    states = (("done", todo.done), ("failed", todo.failed), ("to do", todo.missing), ("waits", todo.blocked))
    counts: dict[tuple[str, str, str], Counter[str]] = {}
    for state, jobs in states:
        for job in jobs:
            cell = job.cell
            what = "(noise)" if isinstance(cell, NoiseCell) else cell.victim
            counts.setdefault((cell.dataset, cell.method, what), Counter())[state] += 1
    rows = [(*name, *(str(count[state]) for state, _ in states)) for name, count in sorted(counts.items())]
    total = ", ".join(f"{len(jobs)} {state}" for state, jobs in states)
    lines = [table_text(("dataset", "method", "victim", *(state for state, _ in states)), rows), total]
    return "\n".join([*lines, *_failures(todo.failed, store)])


def _failures(jobs: Iterable[Job], store: Store) -> list[str]:
    found = [(job.cell.label, store.read(job.cell)) for job in jobs]
    return [f"failed: {label}: {(record.error or '?').splitlines()[0]}" for label, record in found if record]


def _count(passes: Passes) -> int:
    return passes.attack + passes.train


def table_text(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay rows out in columns, for a terminal or a file."""
    table = Table(*head, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    console = Console(width=160, no_color=True, markup=False)
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())
