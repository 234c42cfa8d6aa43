"""Plans as text."""

import shlex
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.table import Table

from attacks.core.errors import escaped, several
from bench.records.schema import Record
from bench.run.job import Job
from bench.run.plan import Plan, notes_of, remaining
from bench.run.progress import duration
from bench.run.rates import Estimate, Rates, estimate_or_borrow
from bench.run.todo import Todo
from bench.run.workplace import Workplace

WIDTH = 160  # characters of a line


def describe_plan(
    plan: Plan, todo: Todo, workplaces: Sequence[Workplace], *, rows: bool = False, folders: Sequence[str] = ()
) -> str:
    """Return a summary of a plan: its cells, and the image-passes and time that the remaining ones will take.

    Args:
        plan: the plan.
        todo: its cells by what is left to do.
        workplaces: where they would be run.
        rows: whether to add a line for each cell with its image-passes and state.
        folders: the options for folders that a command in the text must repeat.
    """
    states = (("done", todo.done), ("failed", todo.failed), ("to do", (*todo.missing, *todo.blocked)))
    rates = Rates(workplaces[0])
    rates.learn(todo.done, todo.records)
    rates.save()
    lost = todo.lost(workplaces[0].places)
    work = (*lost, *todo.missing)
    found = estimate_or_borrow(work, rates, workplaces, todo.records.values())
    planned = {job.cell.key for job in plan.jobs}
    count = sum(job.cell.key in planned for _, jobs in states for job in jobs)
    parts = [
        f"{plan.name}: {several(count, 'cell')} of protocol {plan.protocol.name}, {len(todo.missing)} to run",
        _to_go(work, found, plan.asked, workplaces, folders),
        *([lost_text(lost, todo.records)] if lost else []),
        *notes_of(plan.jobs),
    ]
    if rows:
        again = {job.cell.key for job in lost}
        cells = [
            (job.cell.label, f"{job.passes.full:,}", "to regenerate" if job.cell.key in again else state)
            for state, jobs in states
            for job in jobs
        ]
        parts += ["", table_text(("cell", "image-passes", "state"), cells)]
    return "\n".join(parts)


def lost_text(lost: Sequence[Job], records: Mapping[str, Record]) -> str:
    """Say that recorded noises will be regenerated, and where they were recorded: elsewhere they may be refused."""
    places = sorted({records[job.cell.key].environment.place for job in lost})
    return (
        f"{several(len(lost), 'recorded noise')} {'is' if len(lost) == 1 else 'are'} not in the cache and will be "
        f"regenerated. Recorded on {escaped('; '.join(places))}. On other hardware, or with other code, the new noise "
        "may differ from the record; it is then refused."
    )


def _to_go(
    jobs: Iterable[Job], found: Estimate, protocol: str, workplaces: Sequence[Workplace], folders: Sequence[str]
) -> str:
    """Return the remaining passes and time, and the networks whose speed has not been measured."""
    place = workplaces[0]
    passes = sum(job.passes.full for job in remaining(jobs, place.places))
    device = f"on {place.device} with {several(len(workplaces), 'worker')} of {several(place.threads, 'thread')}"
    if found.borrowed:
        device += f", {found.borrowed}"
    line = f"Remaining: {passes:,} image-passes."
    if not found.unknown:
        return f"{line} Time: about {duration(found.seconds)} {device}."
    time = (
        f"Time: at least {duration(found.seconds)} {device}, not counting"
        if found.seconds
        else f"Time unknown {device} for"
    )
    names = ", ".join(sorted({network for network, _ in found.unknown}))
    victim, dataset = found.unknown[0]
    words = ["--victim", victim, "--dataset", dataset, "--protocol", protocol, "--device", place.device]
    words += ["--threads", str(place.threads)] if place.device == "cpu" else []
    words += folders
    return (
        f"{line} {time} {names}, whose speed has not been measured yet.\n"
        f"To measure one: python -m bench profile {shlex.join(words)} (a run also measures it as cells finish)"
    )


def table_text(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay rows out in columns for a terminal or a file; all columns but the first wrap if a line would be too long."""
    rows = [[escaped(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    if sum(widths) + 2 * len(widths) <= WIDTH:  # rich takes half a second for the thousand rows of a large plan
        return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in (head, *rows))
    table = Table(box=None, pad_edge=False)
    for number, name in enumerate(head):  # names, which a user may have to type, stay on one line
        table.add_column(name, no_wrap=number == 0, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console = Console(width=WIDTH, no_color=True, markup=False)
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())
