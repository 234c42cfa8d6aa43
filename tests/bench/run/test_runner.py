"""What a run says at its end, from records alone."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from attacks.core.errors import RequestError
from bench.data import Places
from bench.records.schema import Record
from bench.records.store import Store
from bench.run.devices import workplaces
from bench.run.executors.event import Event
from bench.run.executors.local import LocalExecutor
from bench.run.job import Job
from bench.run.plan import Plan
from bench.run.runner import run
from bench.run.selection import Selection


@pytest.mark.parametrize("status", ["ok", "failed"])
def test_results_that_cannot_be_shown_do_not_hide_how_the_cells_ended(
    status: str,
    plan_of: Callable[..., Plan],
    record_for: Callable[..., Record],
    places: Places,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    plan, results = plan_of("methods=clean", "radii=0"), tmp_path / "results"
    noise, victim = plan.jobs
    for record in (record_for(noise), record_for(victim, status)):
        Store(results).write(record)

    def fail() -> None:
        raise RequestError("cannot read trust.toml; fix it")

    executor = LocalExecutor(workplaces("cpu", 1, results=results, places=places, by="test"))
    assert run(plan, executor, results=results, places=places, selection=Selection(), conclude=fail) == 1
    first, *rest = capsys.readouterr().err.splitlines()
    assert first == "error: cannot read trust.toml; fix it; the run is over and its records are kept"
    assert [line.startswith(f"failed: {victim.cell.label}") for line in rest[:1]] == [True] * (status == "failed")


class Submits:
    """Hands every job to a cluster."""

    def run(self, jobs: Sequence[Job]) -> Iterator[Event]:
        yield from (Event(job=job, kind="submitted") for job in jobs)


def test_how_to_follow_submitted_cells_is_said_with_the_options_that_it_takes(
    plan_of: Callable[..., Plan],
    places: Places,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("bench.run.runner.prepare_run", lambda *_: None)
    plan, conclude = plan_of("methods=clean", "radii=0"), lambda: pytest.fail("nothing is over")
    assert run(plan, Submits(), results=tmp_path, places=places, selection=Selection(), conclude=conclude) == 0
    assert capsys.readouterr().err.splitlines()[-1] == (
        "2 cells submitted; `python -m bench status` with the same --grid or --suite, --set, --results, "
        "--cache and --data shows their progress"
    )
    one = Selection(only="noise")
    assert run(plan, Submits(), results=tmp_path, places=places, selection=one, conclude=conclude) == 0
    assert "1 cell submitted; " in capsys.readouterr().err
