"""A comparison as text, from records whose accuracies are made up."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.compare.compare import Comparison
from bench.compare.evidence import Evidence
from bench.compare.text import comparison_text
from bench.config.load import load_grid
from bench.config.models import NoiseCell, VictimCell
from bench.data.dataset import Places
from bench.records.schema import NoiseRecord
from bench.records.store import Store
from bench.report.text import MISSING
from bench.run.job import Job
from bench.run.plan import Plan, make_plan

OLDER = "\N{SECTION SIGN}"
# by method and radius; `strong-v1` has no trainer at radius 2
CLEAN = {("clean", 0.0): 90.0, ("clean", 2.0): 90.0, ("clean", 4.0): 90.0}
PIL = {("pil-liu26", 0.0): 20.0, ("pil-liu26", 2.0): 95.0, ("pil-liu26", 4.0): 30.0}
TAP = {("tap-fowl21", 0.0): 50.0, ("tap-fowl21", 2.0): 50.0, ("tap-fowl21", 4.0): 50.0}


@pytest.fixture
def plan(places: Places) -> Plan:
    changes = ['methods=["clean","pil","tap-fowl21"]', 'victims=["resnet18-w8"]', "radii=[0,2,4]", "seeds=[0,1,2]"]
    return make_plan(*load_grid("smoke", changes), places)


def test_methods_are_compared_at_the_trainers_of_the_suite(
    tmp_path: Path, plan: Plan, write_accuracies: Callable[..., None], comparison_of: Callable[..., Comparison]
) -> None:
    write_accuracies(tmp_path, plan.jobs, CLEAN | PIL | TAP)
    text = comparison_text(comparison_of("pil-liu26", plan, tmp_path))
    lines = {line.split()[0]: line for line in text.splitlines() if line.strip()}
    assert "pil-liu26 minus this method" in text
    assert "-20.00 [" in lines["tap-fowl21"]  # at radius 2 it would be +45.00
    assert lines["clean"].split()[-1] == MISSING  # each at its strongest trainer: no difference from clean
    assert "n=3)" in lines["tap-fowl21"]
    assert OLDER not in text


def test_a_reference_has_no_rank_and_three_seeds_are_asked_for_as_a_shell_takes_them(
    tmp_path: Path, plan: Plan, write_accuracies: Callable[..., None], comparison_of: Callable[..., Comparison]
) -> None:
    write_accuracies(tmp_path, [job for job in plan.jobs if job.cell.seed == 0], CLEAN | PIL | TAP)
    assert "\nclean is a reference and has no rank." in comparison_text(comparison_of("clean", plan, tmp_path))
    ranked = comparison_text(comparison_of("pil-liu26", plan, tmp_path))
    assert " no rank is decided; add --set 'seeds=[0,1,2]'." in ranked


def test_a_method_that_is_not_bounded_is_never_the_lowest_other(
    tmp_path: Path,
    plan: Plan,
    write_accuracies: Callable[..., None],
    comparison_of: Callable[..., Comparison],
    record_of: Callable[[Job], NoiseRecord],
) -> None:
    for bounded in (True, False):
        folder, changed = tmp_path / str(bounded), {"bounded": bounded, "bound": "one pixel"}
        for job in plan.jobs:
            if isinstance(job.cell, NoiseCell) and job.cell.method == "tap-fowl21":
                Store(folder).write(record_of(job).model_copy(update=changed))
        write_accuracies(folder, plan.jobs, CLEAN | PIL | TAP)
        text = comparison_text(comparison_of("pil-liu26", plan, folder))
        line = next(line for line in text.splitlines() if line.startswith("standard training"))
        assert ("tap-fowl21\N{DAGGER}" in text) != bounded
        assert ("50.10 tap-fowl21" in line) == bounded


def test_records_are_older_than_those_of_another_folder(
    tmp_path: Path, plan: Plan, write_accuracies: Callable[..., None], comparison_of: Callable[..., Comparison]
) -> None:
    published, own = tmp_path / "published", tmp_path / "own"
    four = {("pil-liu26", 4.0): 30.0}
    write_accuracies(published, plan.jobs, CLEAN | TAP | {at: PIL[at] for at in PIL if at not in four})
    write_accuracies(own, [corrected(job) for job in plan.jobs if isinstance(job.cell, VictimCell)], four)
    assert not Evidence(published).frame()["older"].any()
    joined = Evidence(published, own).frame()
    assert set(joined.loc[joined["older"], ["method", "rho_a"]].itertuples(index=False, name=None)) == {
        ("pil-liu26", 0),
        ("pil-liu26", 2),
    }
    lines = comparison_text(comparison_of("pil-liu26", plan, published, own)).splitlines()
    assert OLDER in next(line for line in lines if line.startswith("standard training"))
    assert lines[-1].startswith(f"{OLDER} Older: 3 records of an older version of the method")  # of the suite's


def test_results_before_a_correction_of_the_trainer_are_not_the_lowest_other(
    tmp_path: Path, plan: Plan, write_accuracies: Callable[..., None], comparison_of: Callable[..., Comparison]
) -> None:
    write_accuracies(tmp_path, plan.jobs, CLEAN | TAP)
    newer = [corrected(job, "network", "resnet18") for job in plan.jobs if isinstance(job.cell, VictimCell)]
    write_accuracies(tmp_path, newer, {("pil-liu26", 0.0): 60.0})
    text = comparison_text(comparison_of("pil-liu26", plan, tmp_path))
    line = next(line for line in text.splitlines() if line.startswith("standard training"))
    assert "60.10" in line
    assert line.split()[-3:] == [MISSING] * 3  # clean, minus clean, lowest other method


def corrected(job: Job, what: str = "method", name: str = "") -> Job:
    """Return the job for a later version of its method, or of something else that its key names."""
    inputs = job.cell.inputs | {what: f"{name or job.cell.method}/9"}
    return replace(job, cell=job.cell.model_copy(update={"inputs": inputs}))
