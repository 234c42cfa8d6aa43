"""Check that a cell's names meant what they mean here, or say that the cell is older."""

from collections.abc import Iterator, Mapping
from itertools import zip_longest

from attacks.core.errors import RequestError
from bench.config.cells import ABSENT, NETWORKS, VERSIONED, Numbers, stated
from bench.config.models import Cell, NoiseCell, VictimCell
from bench.run.job import Job
from bench.run.pretraining import OWN
from bench.validation.finding import Finding, Subject
from bench.validation.planned import Planned
from bench.validation.values import RUN_AGAIN
from victims.networks.names import parse_victim
from victims.networks.weights import WEIGHTS, split
from victims.networks.weights.from_file import GIVEN
from victims.settings import Pretrained

PRETRAINED = f"victim.{Pretrained.table}"


def check_inputs(subject: Subject, planned: Planned) -> Iterator[Finding]:
    """Yield how a cell's inputs and tables differ from those that the present code would use."""
    cell = subject.record.cell
    if not planned.can_plan(cell):
        return  # its unknown names are reported elsewhere
    job = planned.job(cell)
    if job is None:
        yield Finding(path=subject.path, what="no grid can contain such a cell", fix="remove it")
        return
    if subject.record.precision != job.setup.precision:
        what = f"its precision is {subject.record.precision}, but its protocol has {job.setup.precision}"
        yield Finding(path=subject.path, what=what, fix=RUN_AGAIN)
    wanted, free = _planned(cell, job), _free(subject, planned)
    now = _comparable(wanted, free)
    found = {name: f"{now[name].rpartition('/')[0]}/1" for name in NETWORKS if name in now} | cell.inputs
    if set(found) - free != set(wanted) - free:
        what = f"its inputs are {', '.join(sorted(found))}, not {', '.join(sorted(wanted))}"
        yield Finding(path=subject.path, what=what, fix="rerun the cell with the current code")
        return
    changed = [name for name in now if found.get(name) != now[name]]
    versions = [name for name in (*(one.input for one in VERSIONED), "surrogate") if name in changed]
    yield from (_other_version(subject, name, found[name], now[name]) for name in versions)
    if other := sorted({"precision", "stream"} & set(changed)):
        are = "is not that" if len(other) == 1 else "are not those"
        what = f"its {' and its '.join(other)} {are} of its protocol"
        yield Finding(path=subject.path, what=what, fix=RUN_AGAIN)
    if {"weights", "noise_weights"} & set(changed):
        yield Finding(path=subject.path, what="its weights are not those that it names", fix=RUN_AGAIN)
    if "dataset" in changed:
        what = f"its images are not those of {cell.dataset}"
        yield Finding(path=subject.path, what=what, fix="give different images another name")
    if other := other_tables(cell.numbers, _tables(subject, planned, job)):
        what = f"its numbers ({', '.join(other)}) are not those of protocol {cell.protocol}"
        yield Finding(path=subject.path, what=what, fix="give changed numbers a protocol with another name")


def is_current(subject: Subject, planned: Planned) -> bool:
    """Return whether the present code would run the cell in exactly this way, so that the planned counts apply."""
    cell = subject.record.cell
    job = planned.job(cell)
    if job is None:
        return False
    now = _comparable(_planned(cell, job), _free(subject, planned))
    if any(cell.inputs.get(name) != value for name, value in now.items()):
        return False
    return not other_tables(cell.numbers, _tables(subject, planned, job))


def other_tables(found: Numbers, wanted: Numbers) -> list[str]:
    """Return the names of the tables in which two cells differ."""
    return sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))


def _comparable(inputs: Mapping[str, str], free: set[str]) -> Mapping[str, str]:
    """Return the planned inputs that can be compared.

    The key of a victim's noise depends on its seed and is looked up elsewhere; absent data have no identity.
    """
    left_out = {"noise"} | free
    return {name: value for name, value in inputs.items() if name not in left_out and value != ABSENT}


def _planned(cell: Cell, job: Job) -> Mapping[str, str]:
    """Return a cell's planned inputs; its job may be for another network, so that is read from the cell itself."""
    inputs = {name: value for name, value in job.cell.inputs.items() if name != "network"}
    if not isinstance(cell, VictimCell):
        return inputs
    try:
        return inputs | stated("network", cell.victim, parse_victim(split(cell.victim)[0]).policy.version)
    except RequestError:  # an unknown network is reported elsewhere
        return inputs | {name: value for name, value in cell.inputs.items() if name == "network"}


def _free(subject: Subject, planned: Planned) -> set[str]:
    """Return the inputs that need not match the plan: noise and weights from files have identities of their own."""
    cell = subject.record.cell
    free = set() if planned.method(cell) else {"method", "engine"}
    return free if getattr(cell, "victim", None) in WEIGHTS else free | {"weights"}


def _tables(subject: Subject, planned: Planned, job: Job) -> Numbers:
    """Return the tables that a cell should have, less those that do not apply to noise or weights from a file."""
    cell = subject.record.cell
    if isinstance(cell, NoiseCell) and not planned.method(cell):
        return {}
    given = cell.inputs.get("weights", "").startswith((GIVEN, OWN))
    return {name: table for name, table in job.cell.numbers.items() if not (given and name == PRETRAINED)}


def _other_version(subject: Subject, name: str, found: str, now: str) -> Finding:
    older = _is_older(found, now)
    fix = "rerun it to compare it with newer ones" if older else "rerun it with a commit of this repository"
    what = f"its {name} is {found}, {'older than' if older else 'but here it is'} {now}"
    return Finding(path=subject.path, what=what, fix=fix, warning=older)


def _is_older(found: str, now: str) -> bool:
    """Return whether two texts differ only in version numbers, those found being at least 1 and below the present."""
    pairs = zip_longest(found.split("/"), now.split("/"), fillvalue="")
    return all(had == has or (had.isdecimal() and has.isdecimal() and 1 <= int(had) < int(has)) for had, has in pairs)
