"""See that what a cell's names stood for is what they stand for here, or say that it is older."""

from collections.abc import Iterator, Mapping
from itertools import zip_longest

from bench.records.validation.finding import Finding, Subject
from bench.records.validation.planned import Planned
from bench.records.validation.values import RUN_AGAIN
from bench.run.plan import Job

_VERSIONS = ("method", "engine", "recipe", "countermeasure")


def check_inputs(subject: Subject, planned: Planned) -> Iterator[Finding]:
    """Yield how a cell's inputs, and its precision, differ from those that the present code gives it.

    The digest of an older version's numbers says nothing: there may be others now, with values that change nothing.
    """
    cell = subject.record.cell
    if not planned.can_plan(cell):
        return  # its names are reported
    job = planned.job(cell)
    if job is None:
        yield Finding(path=subject.path, what="no grid has such a cell", mend="remove it")
        return
    if subject.record.precision != job.setup.precision:
        what = f"its precision is {subject.record.precision} and that of its protocol is {job.setup.precision}"
        yield Finding(path=subject.path, what=what, mend=RUN_AGAIN)
    found, now = cell.inputs, _now(subject, planned, job)
    if set(found) != set(job.cell.inputs):
        what = f"its inputs are {', '.join(sorted(found))}, not {', '.join(sorted(job.cell.inputs))}"
        yield Finding(path=subject.path, what=what, mend="run the cell again with the present code")
        return
    changed = [name for name in now if found[name] != now[name]]
    versions = [name for name in _VERSIONS if name in changed]
    yield from (_other_version(subject, name, found[name], now[name]) for name in versions)
    if "dataset" in changed:
        what = f"its images are not those of {cell.dataset}"
        yield Finding(path=subject.path, what=what, mend="give other images another name")
    if "setup" in changed and not versions:
        what = f"its numbers are not those of protocol {cell.protocol}"
        yield Finding(path=subject.path, what=what, mend="give other numbers a protocol of another name")


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
    older = _is_older(found, now)
    mend = "run it again to have it beside newer ones" if older else "run it again with a commit of this repository"
    what = f"its {name} is {found}, {'older than' if older else 'and here it is'} {now}"
    return Finding(path=subject.path, what=what, mend=mend, warning=older)


def _is_older(found: str, now: str) -> bool:
    """Tell whether two texts differ in version numbers alone, each at least 1 and none above the present one."""
    pairs = zip_longest(found.split("/"), now.split("/"), fillvalue="")
    return all(had == has or (had.isdecimal() and has.isdecimal() and 1 <= int(had) < int(has)) for had, has in pairs)
