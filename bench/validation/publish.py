"""Copy the finished records of a run into a folder of published ones."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from attacks.core.errors import RequestError
from attacks.core.files import write_atomically
from bench.records.trust import load_trust
from bench.validation.finding import Finding, Subject
from bench.validation.validate import cross_check, folder, inspect


@dataclass(frozen=True, kw_only=True)
class PublishOutcome:
    """What became of the records of a run.

    Attributes:
        copied: the new files.
        known: how many were there already, byte for byte.
        failed: files of cells that failed, left out.
        findings: what is wrong with the run's records, or would be with published ones beside them; with a problem
            among them nothing was copied.
    """

    copied: tuple[Path, ...]
    known: int
    failed: tuple[Path, ...]
    findings: tuple[Finding, ...]


def publish(run: Path, results: Path) -> PublishOutcome:
    """Validate the records of `run`, beside those of `results`, and copy those that did not fail.

    Raises:
        RequestError: where `run` has no records or is `results`, or the files cannot be written.
    """
    if folder(run).resolve() == results.resolve():
        raise RequestError(f"{run} is the folder of published records; give the folder of a run, e.g. runs/lite")
    trust = load_trust(results)
    found, there = inspect(run, trust), inspect(results, trust).subjects
    if not found.subjects and not found.findings:
        raise RequestError(f"{run} has no records; give the folder that `run` wrote to, e.g. runs/lite")
    failed = [subject.path for subject in found.subjects if subject.record.status == "failed"]
    finished = [subject for subject in found.subjects if subject.path not in set(failed)]
    targets = {subject.path: results / subject.path.relative_to(run) for subject in finished}
    others = [subject for subject in there if subject.path not in set(targets.values())]
    # what was set aside in the run stays behind, and so do failures
    own = [finding for finding in found.findings if finding.path.suffix == ".json" and finding.path not in set(failed)]
    before = {(finding.path, finding.fix) for finding in cross_check(there)}  # what it says may count others' records
    beside = [
        finding
        for finding in cross_check([*others, *finished])
        if finding.path in targets or (finding.path, finding.fix) not in before
    ]
    findings = (*own, *_conflicts(finished, targets, there), *beside)
    new = [path for path, target in targets.items() if not _same(path, target)]
    if not any(not finding.warning for finding in findings):
        copied = tuple(write_atomically(targets[path], path.read_bytes()) for path in new)
    else:
        copied = ()
    return PublishOutcome(
        copied=copied,
        known=len(targets) - len(new),
        failed=tuple(failed),
        findings=findings,
    )


def _conflicts(finished: Sequence[Subject], targets: dict[Path, Path], there: Sequence[Subject]) -> Iterator[Finding]:
    """Yield the records in whose place another one is; only that of a failure gives way."""
    failed = {subject.path for subject in there if subject.record.status == "failed"}
    for subject in finished:
        target = targets[subject.path]
        if target.exists() and target not in failed and not _same(subject.path, target):
            yield Finding(
                path=subject.path,
                what=f"differs from {target}, and published records are never changed",
                fix="remove it from the run",
            )


def _same(path: Path, target: Path) -> bool:
    return target.is_file() and target.read_bytes() == path.read_bytes()
