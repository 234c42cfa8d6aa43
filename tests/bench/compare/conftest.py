from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest

from bench.compare.compare import Comparison
from bench.compare.evidence import Evidence
from bench.config.suite import RANKING, load_suite
from bench.records.schema import Record, VictimRecord
from bench.records.store import Store
from bench.run.job import Job
from bench.run.plan import Plan

Accuracies = Mapping[tuple[str, float], float]


@pytest.fixture
def write_accuracies(record_of: Callable[[Job], Record]) -> Callable[[Path, Iterable[Job], Accuracies], None]:
    """Write the records of jobs whose accuracy is given by method and radius; it rises a little from seed to seed."""

    def write(folder: Path, jobs: Iterable[Job], accuracies: Accuracies) -> None:
        for job in jobs:
            record = record_of(job)
            if isinstance(record, VictimRecord) and record.metrics:
                accuracy = accuracies.get((record.cell.method, record.cell.rho_a))
                if accuracy is None:
                    continue
                changed = {"accuracy_final": accuracy + record.cell.seed / 10}
                record = record.model_copy(update={"metrics": record.metrics.model_copy(update=changed)})
            Store(folder).write(record)

    return write


@pytest.fixture
def comparison_of() -> Callable[..., Comparison]:
    """Compare a method of a plan with the records in folders."""

    def comparison(method: str, plan: Plan, *folders: Path) -> Comparison:
        return Comparison(
            suite=load_suite(RANKING),
            method=method,
            noise=plan.jobs[0],
            plan=plan,
            evidence=Evidence(*folders),
            results=folders[-1],
        )

    return comparison
