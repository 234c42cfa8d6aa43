"""Run all checks on a folder of records."""

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from attacks.core.errors import RequestError
from attacks.core.files import PART
from bench.config.axes import FIELDS
from bench.records.breaks import FILE as BREAKS
from bench.records.breaks import load_breaks, score_of
from bench.records.schema import VictimRecord
from bench.records.store import Store, records_folder
from bench.records.trust import FILE, Trust, load_trust
from bench.validation.finding import Finding, Subject
from bench.validation.inputs import check_inputs, is_current
from bench.validation.names import Names
from bench.validation.planned import Planned
from bench.validation.reading import read_record
from bench.validation.recipe import check_recipe
from bench.validation.reference import check_reference
from bench.validation.together import check_together
from bench.validation.values import check_values

FOLDERS = ("noise", "records")
DEEPEST = 4  # dataset, method, victim, file
LARGEST = 1 << 20  # bytes; a record with a curve of a thousand points takes a tenth of that
_AHEAD = timedelta(hours=1)  # by which another machine's clock may be wrong
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Validated:
    """The records of a folder that could be read, and all that was found to be wrong with its files."""

    subjects: tuple[Subject, ...]
    findings: tuple[Finding, ...]

    @property
    def problems(self) -> int:
        """How many findings are more than warnings."""
        return sum(not finding.warning for finding in self.findings)


def validate(results: Path) -> Validated:
    """Check every file below `records` and `noise` of a folder, its attestations of trust and its adaptive trainers.

    Raises:
        RequestError: if there is no such folder, or its `trust.toml` or `breaks.toml` cannot be read.
    """
    trust = load_trust(records_folder(results))
    found = inspect(results, trust)
    stale = [
        Finding(
            path=results / name,
            what=f"is missing or is not the file listed in {FILE}",
            fix=f"restore it or remove its line from {FILE}",
        )
        for name in trust.stale(results)
    ]
    cells = {score_of(subject.record.cell) for subject in found.subjects}
    missing = [
        Finding(
            path=results / BREAKS,
            what=f"names a trainer of {at[FIELDS.index('method')]} that has no record",
            fix="add its records, or correct its names",
        )
        for at in sorted(load_breaks(results) - cells)
    ]
    return replace(found, findings=(*found.findings, *stale, *missing, *cross_check(found.subjects)))


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


def cross_check(subjects: Sequence[Subject]) -> Iterator[Finding]:
    """Yield what is wrong with records taken together."""
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
    """Read the records below a folder, and report files that are not records or are misplaced."""
    store = Store(root)
    for found in files(root):
        if isinstance(found, Finding):
            yield found
            continue
        try:
            record, place = read_record(found, store)
        except OSError as error:
            yield _unreadable(found, error)
            continue
        except RequestError as error:
            what, _, fix = str(error).partition("; ")
            yield Finding(path=found, what=f"was {what}", fix=fix)
            continue
        except ValueError as error:
            yield Finding(path=found, what=str(error), fix="restore the record that `run` wrote")
            continue
        yield Subject(path=found, record=record, tier=trust.tier(root, found.relative_to(root).as_posix()))
        if found != place:
            what = f"belongs at {place.relative_to(root)}"
            yield Finding(path=found, what=what, fix="move it there, unless its cell was changed")


def files(root: Path) -> Iterator[Path | Finding]:
    """Yield what lies below `root/noise` and `root/records`, sorted: a file that may be a record, or what is wrong."""
    for name in FOLDERS:
        yield from _below(root / name, DEEPEST)


def _below(path: Path, depth: int) -> Iterator[Path | Finding]:
    try:
        status = path.lstat()
        inside = sorted(os.listdir(path)) if stat.S_ISDIR(status.st_mode) else None  # noqa: PTH208 - plain names
    except FileNotFoundError:
        return
    except OSError as error:
        yield _unreadable(path, error)
        return
    if inside is not None and depth == 0:
        yield Finding(path=path, what="is a folder where a record is expected", fix="remove it")
    elif inside is not None:
        for name in (name for name in inside if not name.endswith(PART)):  # still being written, or left by a kill
            yield from _below(path / name, depth - 1)
    elif not stat.S_ISREG(status.st_mode):
        yield Finding(path=path, what="is a link or not a regular file", fix="put the record itself there or remove it")
    elif path.suffix != ".json" or path.name.startswith("."):
        yield Finding(path=path, what="is not a record", fix="remove it; only records written by `run` belong here")
    elif status.st_size > LARGEST:
        yield Finding(path=path, what=f"is larger than {LARGEST:,} bytes", fix="remove it; no record is that large")
    else:
        yield path


def _unreadable(path: Path, error: OSError) -> Finding:
    return Finding(path=path, what=f"cannot be read ({error.strerror})", fix="check its permissions")


def check_provenance(subject: Subject) -> Iterator[Finding]:
    """Yield what is wrong or unknown about a record's origin; what is unknown is a warning at the lowest trust tier."""
    ran, warning = subject.record.environment, subject.tier == "self-reported"
    fix = "rerun from a clean, published commit" + ("" if warning else f", or do not claim {subject.tier}")
    if ran.commit is None:
        yield Finding(path=subject.path, what="its commit is unknown", fix=fix, warning=warning)
    elif not _COMMIT.fullmatch(ran.commit):
        yield Finding(path=subject.path, what="its commit is not a full git hash", fix=fix)
    elif ran.dirty is not False:
        what = "made from a modified working tree"
        yield Finding(path=subject.path, what=what, fix=fix, warning=warning)
    if wrong := _wrong_time(subject.record.finished):
        yield Finding(path=subject.path, what=wrong, fix="set the clock and rerun the cell")


def _wrong_time(finished: str) -> str | None:
    try:
        time = datetime.fromisoformat(finished)
        ahead = time - datetime.now(UTC)
    except (TypeError, ValueError, OverflowError):  # a TypeError means a time without a zone
        return "its finishing time is not an ISO time with a time zone"
    return "its finishing time is in the future" if ahead > _AHEAD else None
