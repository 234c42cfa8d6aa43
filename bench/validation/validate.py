"""Put the checks together, on a folder of records."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from attacks.core.errors import RequestError
from bench.records.schema import VictimRecord
from bench.records.store import Store
from bench.records.trust import FILE, Trust, load_trust
from bench.validation.files import files
from bench.validation.finding import Finding, Subject
from bench.validation.inputs import check_inputs, is_current
from bench.validation.names import Names
from bench.validation.planned import Planned
from bench.validation.provenance import check_provenance
from bench.validation.reading import read
from bench.validation.recipe import check_recipe
from bench.validation.reference import check_reference
from bench.validation.together import check_together
from bench.validation.values import check_values


@dataclass(frozen=True, kw_only=True)
class Validated:
    """The records of a folder that could be read, and all that was found to be wrong with its files."""

    subjects: tuple[Subject, ...]
    findings: tuple[Finding, ...]

    @property
    def problems(self) -> int:
        """How many findings may not stay."""
        return sum(not finding.warning for finding in self.findings)


def validate(results: Path) -> Validated:
    """Check every file below `records` and `noise` of a folder, and its claims of trust.

    Raises:
        RequestError: where there is no such folder, or its `trust.toml` cannot be read.
    """
    trust = load_trust(folder(results))
    found = inspect(results, trust)
    stale = [
        Finding(
            path=results / name,
            what=f"is missing or is not the file listed in {FILE}",
            fix=f"restore it or remove its line from {FILE}",
        )
        for name in trust.stale(results)
    ]
    return replace(found, findings=(*found.findings, *stale, *compare(found.subjects)))


def folder(path: Path) -> Path:
    """Return a folder of records.

    Raises:
        RequestError: where it is none.
    """
    if not path.is_dir():
        raise RequestError(f"no folder of records at {path}; give the folder that `run` wrote to")
    return path


def inspect(root: Path, trust: Trust) -> Validated:
    """Check the files below a folder one by one; the records come without their curves, which are large."""
    subjects, findings, check = [], [], _Checks()
    for found in _load(root, trust):
        if isinstance(found, Finding):
            findings.append(found)
            continue
        findings += check.one(found)
        slim = found.record.model_copy(update={"curve": ()} if isinstance(found.record, VictimRecord) else {})
        subjects.append(replace(found, record=slim))
    return Validated(subjects=tuple(subjects), findings=tuple(findings))


def compare(subjects: Sequence[Subject]) -> Iterator[Finding]:
    """Yield what is wrong with records beside each other."""
    yield from check_together(subjects)
    yield from check_reference(subjects)


class _Checks:
    def __init__(self) -> None:
        self._planned, self._names = Planned(), Names()

    def one(self, subject: Subject) -> Iterator[Finding]:
        """Yield what is wrong with a record by itself."""
        yield from check_values(subject)
        yield from check_provenance(subject)
        yield from self._names.check(subject)
        yield from check_inputs(subject, self._planned)
        job = self._planned.job(subject.record.cell)
        if job is not None and is_current(subject, self._planned):
            yield from check_recipe(subject, job, self._planned.method(subject.record.cell))


def _load(root: Path, trust: Trust) -> Iterator[Subject | Finding]:
    """Read the records below a folder, and tell of what is none or lies in a wrong place."""
    store = Store(root)
    for found in files(root):
        if isinstance(found, Finding):
            yield found
            continue
        try:
            record, place = read(found, store)
        except ValueError as error:
            yield Finding(path=found, what=str(error), fix="restore the record that `run` wrote")
            continue
        yield Subject(path=found, record=record, tier=trust.tier(root, found.relative_to(root).as_posix()))
        if found != place:
            what = f"belongs at {place.relative_to(root)}"
            yield Finding(path=found, what=what, fix="move it there, unless its cell was changed")
