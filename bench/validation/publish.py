"""Copy the finished records of a run into a folder of published ones."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from attacks.core.errors import RequestError
from attacks.core.files import write_atomically
from bench.records.rewrite import older_files
from bench.records.schema import NoiseRecord
from bench.records.store import Store, records_folder
from bench.records.trust import load_trust
from bench.validation.finding import Finding, Subject
from bench.validation.validate import cross_check, inspect


@dataclass(frozen=True, kw_only=True)
class PublishOutcome:
    """What became of the records of a run.

    Attributes:
        copied: the new files.
        known: how many were there already: byte for byte, or as a record of the same noise.
        failed: files of cells that failed, left out.
        findings: what is wrong with the run's records, alone or next to the published ones; if any is a problem,
            nothing was copied.
    """

    copied: tuple[Path, ...]
    known: int
    failed: tuple[Path, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True)
class _Copy:
    """A record to publish: its target path, and its text or the file that has it."""

    target: Path
    source: Path | None = None
    new: bytes = b""

    @property
    def text(self) -> bytes:
        return self.source.read_bytes() if self.source else self.new

    @property
    def is_there(self) -> bool:
        return self.target.is_file() and self.target.read_bytes() == self.text


def publish(run: Path, results: Path) -> PublishOutcome:
    """Validate the records of `run` together with those of `results`, and copy those that did not fail.

    A record of an older schema is copied as `upgrade` would rewrite it; the run itself stays as it is.

    Raises:
        RequestError: if `run` has no records or is `results`, or the files cannot be written.
    """
    records_folder(run)
    if results.exists() and run.samefile(results):
        raise RequestError(f"{run} is the folder of published records; give the folder of a run, e.g. runs/lite")
    trust = load_trust(results)
    found, there = inspect(run, trust), inspect(results, trust).subjects
    if not found.subjects and not found.findings:
        raise RequestError(f"{run} has no records; give the folder that `run` wrote to, e.g. runs/lite")
    failed = [subject.path for subject in found.subjects if subject.record.status == "failed"]
    whole = [subject for subject in found.subjects if subject.path not in set(failed)]
    noises = {subject.record.cell.key: subject for subject in there if _is_noise(subject)}
    made = {subject.path: noises.get(subject.record.cell.key) for subject in whole if _is_noise(subject)}
    # made again, a noise may differ in its times alone: its published record stays
    again = {subject.path for subject in whole if (one := made.get(subject.path)) and _same_noise(subject, one)}
    finished = [subject for subject in whole if subject.path not in again]
    copies = {subject.path: copy for subject, copy in zip(finished, _copies(run, results, finished), strict=True)}
    unlike = {subject.path: one for subject in finished if (one := made.get(subject.path))}
    # what was trained on another noise than the published one would only add problems that follow from it
    keys = {one.record.cell.key for one in unlike.values()}
    rest = [
        subject
        for subject in finished
        if not keys & {subject.record.cell.key, subject.record.cell.inputs.get("noise", "")}
    ]
    targets = {copies[subject.path].target for subject in rest}
    others = [subject for subject in there if subject.path not in targets]
    # what was set aside in the run stays behind, and so do failures
    own = [finding for finding in found.findings if finding.path.suffix == ".json" and finding.path not in set(failed)]
    before = {(finding.path, finding.fix) for finding in cross_check(there)}  # its text may count other records
    beside = [
        finding
        for finding in cross_check([*others, *rest])
        if finding.path in copies or (finding.path, finding.fix) not in before
    ]
    findings = (*own, *_conflicts(copies, there, unlike), *beside)
    new = [copy for copy in copies.values() if not copy.is_there]
    right = all(finding.warning for finding in findings)
    return PublishOutcome(
        copied=tuple(write_atomically(copy.target, copy.text) for copy in new) if right else (),
        known=len(again) + len(copies) - len(new),
        failed=tuple(failed),
        findings=findings,
    )


def _copies(run: Path, results: Path, finished: Sequence[Subject]) -> Iterator[_Copy]:
    """Yield the copy of each record; one of an older schema is rewritten, unless already published unchanged."""
    rewritten = {file.before: file for file in older_files(Store(run)) if file}
    for path in (subject.path for subject in finished):
        same = _Copy(target=results / path.relative_to(run), source=path)
        if path not in rewritten or same.is_there:
            yield same
        else:
            yield _Copy(target=results / rewritten[path].after.relative_to(run), new=rewritten[path].text)


def _is_noise(subject: Subject) -> bool:
    """Return whether a record is that of a noise that was made."""
    return isinstance(subject.record, NoiseRecord) and subject.record.status != "failed"


def _same_noise(*subjects: Subject) -> bool:
    """Return whether the records of one cell are of the same noise, byte for byte."""
    digests = {subject.record.digests.get("noise") for subject in subjects}
    return len(digests) == 1 and None not in digests


def _conflicts(
    copies: Mapping[Path, _Copy], there: Sequence[Subject], unlike: Mapping[Path, Subject]
) -> Iterator[Finding]:
    """Yield the records whose place is taken by another one; only the record of a failure may be replaced.

    Args:
        copies: the copy of each record of the run.
        there: the published records.
        unlike: for each noise of the run that is published with other bytes, the published record.
    """
    failed = {subject.path for subject in there if subject.record.status == "failed"}
    for path, copy in copies.items():
        if path in unlike:
            known = unlike[path].path
            yield Finding(
                path=path,
                what=f"its noise is not that of {known}, and optimised noise differs between machines",
                fix=f"use seeds that {known.parent} does not have yet, for the method and for clean",
            )
        elif copy.target.exists() and copy.target not in failed and not copy.is_there:
            yield Finding(
                path=path,
                what=f"differs from {copy.target}, and published records are never changed",
                fix="remove it from the run",
            )
