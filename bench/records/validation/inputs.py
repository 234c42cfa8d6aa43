"""See that what a cell's names stood for is what they stand for here, or say that it is older."""

from collections.abc import Iterator, Mapping

from bench.records.validation.finding import Finding, Subject
from bench.records.validation.planned import Planned
from bench.run.plan import Job

_VERSIONS = ("method", "engine", "recipe", "countermeasure")
_WHY = {
    "setup": ("its numbers are not those of protocol {protocol}", "give other numbers a protocol of another name"),
    "dataset": ("its images are not those of {dataset}", "give other images another name"),
}


def check_inputs(subject: Subject, planned: Planned) -> Iterator[Finding]:
    """Yield how a cell's inputs differ from those that the present code gives it."""
    cell = subject.record.cell
    if not planned.can_plan(cell):
        return  # its names are reported
    job = planned.job(cell)
    if job is None:
        yield Finding(path=subject.path, what="no grid has such a cell", mend="remove it")
        return
    found, now = cell.inputs, _now(subject, planned, job)
    if set(found) != set(job.cell.inputs):
        what = f"its inputs are {', '.join(sorted(found))}, not {', '.join(sorted(job.cell.inputs))}"
        yield Finding(path=subject.path, what=what, mend="run the cell again with the present code")
        return
    changed = [name for name in _VERSIONS if name in now and found[name] != now[name]]
    yield from (_other_version(subject, name, found[name], now[name]) for name in changed)
    if not changed:
        wrong = [why for name, why in _WHY.items() if name in now and found[name] != now[name]]
        for what, mend in wrong:
            told = what.format(protocol=cell.protocol, dataset=cell.dataset)
            yield Finding(path=subject.path, what=told, mend=mend)


def is_current(subject: Subject, planned: Planned) -> bool:
    """Tell whether the present code would carry the cell out just so, so that its counts must be the planned ones."""
    job, found = planned.job(subject.record.cell), subject.record.cell.inputs
    return job is not None and all(found.get(name) == value for name, value in _now(subject, planned, job).items())


def _now(subject: Subject, planned: Planned, job: Job) -> Mapping[str, str]:
    """Return the inputs that can be compared.

    The key of a victim's noise depends on its seed and is looked up elsewhere; images that are not here cannot be
    told; a noise from a file has an identity of its own.
    """
    left_out = {"noise"} | (set() if planned.method(subject.record.cell) else {"method"})
    inputs = job.cell.inputs
    return {name: value for name, value in inputs.items() if name not in left_out and value != "absent"}


def _other_version(subject: Subject, name: str, found: str, now: str) -> Finding:
    older = _version(found) < _version(now) and _words(found) == _words(now)
    mend = "run it again to have it beside newer ones" if older else "run it again with a commit of this repository"
    what = f"its {name} is {found}, {'older than' if older else 'and here it is'} {now}"
    return Finding(path=subject.path, what=what, mend=mend, warning=older)


def _version(text: str) -> list[int]:
    return [int(part) for part in text.split("/") if part.isdecimal()]


def _words(text: str) -> list[str]:
    return [part for part in text.split("/") if not part.isdecimal()]
