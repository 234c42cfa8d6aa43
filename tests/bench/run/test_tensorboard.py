from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bench.records.schema import Record, VictimRecord
from bench.records.store import Store
from bench.run.executors.event import Event
from bench.run.job import Job
from bench.run.tensorboard import TensorBoard

CURVE = "clean test accuracy, %"


def test_what_ended_is_logged_as_its_record_says(
    tmp_path: Path, jobs: Sequence[Job], record_of: Callable[[Job], Record]
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    record = record_of(jobs[-1])
    assert isinstance(record, VictimRecord)
    Store(tmp_path).write(record)
    TensorBoard(tmp_path).tell(Event(job=jobs[-1], kind="ended", status="ok"))
    found = EventAccumulator(str(tmp_path / "tensorboard" / record.cell.label)).Reload()
    curve = [(point.step, point.value) for point in found.Scalars(CURVE)]
    assert curve == [(point.step, pytest.approx(point.accuracy)) for point in record.curve]
    assert found.Scalars("accuracy_final")[0].value == record.metrics.accuracy_final
    assert found.Scalars("training seconds")[0].value == 60


def test_what_failed_or_goes_on_is_not_logged(
    tmp_path: Path, jobs: Sequence[Job], record_for: Callable[..., Record]
) -> None:
    Store(tmp_path).write(record_for(jobs[0], "failed", "out of memory"))
    board = TensorBoard(tmp_path)
    for event in (
        Event(job=jobs[0], kind="began"),
        Event(job=jobs[0], kind="ended", status="failed", error="out of memory"),
        Event(job=jobs[1], kind="ended", status="ok"),  # its record has been moved away
    ):
        board.tell(event)
    assert not (tmp_path / "tensorboard").exists()
