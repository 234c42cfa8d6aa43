"""How jobs are divided into arrays; the tests with a real Slurm are in `tests/bench/cli/slurm`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.run.executors.slurm import submit
from bench.run.job import Job
from bench.run.plan import Plan


def test_victims_of_a_noise_are_one_array_in_whatever_order_they_come(
    plan_of: Callable[..., Plan], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As those of a suite, which come trainer by trainer."""
    jobs = sorted(plan_of().jobs, key=lambda job: getattr(job.cell, "rho_a", -1.0))
    assert [job.cell.method for job in jobs] == ["clean", "em-fu22"] * 3
    arrays: list[tuple[list[str], str | None]] = []

    def submitted(self: Any, jobs: Sequence[Job], *, after: str | None) -> None:
        arrays.append(([job.cell.label for job in jobs], after))
        self._ids.update({job.cell.key: f"{len(arrays)}_{task}" for task, job in enumerate(jobs)})

    monkeypatch.setattr(submit._Submission, "_submit_array", submitted)
    monkeypatch.setattr(submit, "most_tasks", lambda: 100)
    monkeypatch.setattr(submit, "call", lambda *_: "")
    request: Any = SimpleNamespace(results=tmp_path)
    noises = {job.cell.key: job for job in jobs if job.cell is job.noise}
    submit._Submission(request, noises, {}).submit(jobs)
    assert [(len(labels), after) for labels, after in arrays] == [(2, None), (2, "1_0"), (2, "1_1")]
    assert all("/clean/" in label for label in arrays[1][0])
