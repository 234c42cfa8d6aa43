"""Check for values that no correct record can have, beyond the ranges of its schema."""

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from math import isfinite

from bench.records.schema import Metrics, Point, Record, VictimRecord
from bench.validation.finding import Finding, Subject

RUN_AGAIN = "rerun the cell and publish the new record"
_PHASES: Mapping[str, set[str]] = {
    "noise": set(),
    "victim": {"training", "evaluation"},
}  # besides a noise's generation and a victim's preparation
_DIGEST = re.compile(r"[0-9a-f]{64}")


def check_values(subject: Subject) -> Iterator[Finding]:
    """Yield the values of a record that cannot be right."""
    for what in _contradictions(subject):
        yield Finding(path=subject.path, what=what, fix=RUN_AGAIN)


def _contradictions(subject: Subject) -> Iterator[str]:
    record = subject.record
    for name, digest in record.digests.items():
        if not _DIGEST.fullmatch(digest):
            yield f"the digest of its {name} is not a SHA-256"
    for phase, cost in record.costs.items():
        if cost.seconds == 0:
            yield f"{phase} took no time"
    yield from _of_failed(record) if record.status == "failed" else _of_finished(record)


def _of_failed(record: Record) -> Iterator[str]:
    if not record.error:
        yield "it failed without stating a reason"
    if record.metrics is not None:
        yield "it failed but has results"


def _of_finished(record: Record) -> Iterator[str]:
    if record.error is not None:
        yield f"its status is {record.status} but it states an error"
    if missing := sorted({"dataset", "noise"} - set(record.digests)):
        yield f"it has no digest of its {' and of its '.join(missing)}"
    phases = set(record.costs) - {"generation", "preparation"}
    if lacking := sorted(_PHASES[record.cell.kind] - phases):
        yield f"it lacks the cost of {' and of '.join(lacking)}"
    if others := sorted(phases - _PHASES[record.cell.kind]):
        yield f"it has a cost of {' and of '.join(others)}, which a {record.cell.kind} does not have"
    if record.metrics is None:
        yield f"its status is {record.status} but it has no results"
    elif isinstance(record, VictimRecord) and isinstance(record.metrics, Metrics):
        yield from _of_victim(record, record.metrics)


def _of_victim(record: VictimRecord, metrics: Metrics) -> Iterator[str]:
    if metrics.accuracy_robust is not None and record.cell.rho_a == 0:
        yield "it has a robust accuracy at radius 0"
    if not record.curve:
        yield "it has no curve"
    else:
        yield from _of_curve(record.curve, metrics)


def _of_curve(curve: tuple[Point, ...], metrics: Metrics) -> Iterator[str]:
    steps, accuracies = [point.step for point in curve], [point.accuracy for point in curve]
    if any(later <= earlier for earlier, later in pairwise(steps)):
        yield "the steps of its curve do not increase"
    if not all(point.loss is None or isfinite(point.loss) for point in curve):
        yield "its curve has a non-finite loss, where `run` writes null"
    if accuracies[-1] != metrics.accuracy_final:
        yield f"its curve ends at {accuracies[-1]:.2f}, but its final accuracy is {metrics.accuracy_final:.2f}"
    if max(accuracies) != metrics.accuracy_peak:
        yield f"the peak of its curve is {max(accuracies):.2f}, not {metrics.accuracy_peak:.2f}"
