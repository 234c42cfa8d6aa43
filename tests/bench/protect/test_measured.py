from pathlib import Path

import pytest

from attacks.methods import method
from bench.config.load import load_grid, load_protocol
from bench.config.models import NoiseCell
from bench.data import Places
from bench.protect.measured import measured_protection
from bench.protect.report import expected_protection, limits
from bench.protect.request import ProtectRequest
from bench.records.schema import Environment, Metrics, NoiseRecord, VictimRecord
from bench.records.store import Store
from bench.run.plan import make_plan

ENVIRONMENT = Environment(
    device="Synthetic", driver=None, threads=1, platform="test", versions={}, commit=None, dirty=None
)
ACCURACY = {"clean": 80.0, "em-fu22": 30.0, "sem-liu24": 50.0}


def write_records(root: Path, *changes: str) -> None:
    """Write a made-up record for every cell of the smoke grid with a few methods."""
    lists = ["methods=['clean','em','sem']", "victims=resnet18-w8", "radii=[0]", "seeds=[0,1]", *changes]
    plan = make_plan(*load_grid("smoke", lists), Places(data=root / "data", cache=root / "cache"))
    common = {"status": "ok", "precision": "fp32", "environment": ENVIRONMENT, "finished": "-", "by": "test"}
    for job in plan.jobs:
        if isinstance(job.cell, NoiseCell):
            Store(root).write(NoiseRecord(cell=job.cell, bound="-", bounded=True, **common))
            continue
        number = ACCURACY[job.cell.method] + 4 * job.cell.seed
        metrics = Metrics(accuracy_final=number, accuracy_last_mean=number, accuracy_peak=number)
        Store(root).write(VictimRecord(cell=job.cell, metrics=metrics, **common))


def test_means_over_seeds_stand_beside_clean_images(tmp_path: Path) -> None:
    write_records(tmp_path)
    line = "photo-patches, resnet18-w8, rho_a 0: 82.0% trained on clean images, 32.0% on protected ones (2 seeds)"
    assert measured_protection(tmp_path, method("em"), "smoke-v1") == [line]


def test_other_protocols_methods_and_shares_do_not_count(tmp_path: Path) -> None:
    write_records(tmp_path)
    assert measured_protection(tmp_path, method("sem"), "lite-v1") == []
    assert measured_protection(tmp_path, method("rem"), "smoke-v1") == []
    write_records(tmp_path / "other", "shares=50")
    assert measured_protection(tmp_path / "other", method("em"), "smoke-v1") == []


def test_every_trainer_is_there_with_the_strongest_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_records(tmp_path)
    monkeypatch.setitem(ACCURACY, "em-fu22", 60.0)
    write_records(tmp_path, "countermeasures=grayscale")
    first, second = measured_protection(tmp_path, method("em"), "smoke-v1")
    assert first.startswith("photo-patches, resnet18-w8, rho_a 0, grayscale: 82.0% trained on clean images, 62.0%")
    assert second.startswith("photo-patches, resnet18-w8, rho_a 0: 82.0% trained on clean images, 32.0%")


def test_seeds_without_clean_images_do_not_count(tmp_path: Path) -> None:
    write_records(tmp_path)
    for path in tmp_path.glob("records/*/clean/*/*-s1-*.json"):
        path.unlink()
    (line,) = measured_protection(tmp_path, method("em"), "smoke-v1")
    assert line.endswith("80.0% trained on clean images, 30.0% on protected ones (1 seed)")


@pytest.mark.parametrize(
    "newer", [{"network": "resnet18-w8/2"}, {"recipe": "supervised/2"}, {"countermeasure": "standard/2"}], ids=str
)
def test_victims_of_an_older_version_do_not_count(newer: dict[str, str], tmp_path: Path) -> None:
    write_records(tmp_path)
    store = Store(tmp_path)
    for record in list(store.all()):
        if isinstance(record, VictimRecord) and record.cell.seed == 0:
            cell = record.cell.model_copy(update={"inputs": record.cell.inputs | newer})
            metrics = Metrics(accuracy_final=70, accuracy_last_mean=70, accuracy_peak=70)
            store.write(record.model_copy(update={"cell": cell, "metrics": metrics}))
    (line,) = measured_protection(tmp_path, method("em"), "smoke-v1")
    assert line.endswith("70.0% trained on clean images, 70.0% on protected ones (1 seed)")


def test_a_report_without_records_says_so(tmp_path: Path) -> None:
    request = ProtectRequest(
        images=tmp_path,
        out=tmp_path / "out",
        labels=None,
        method="em",
        protocol=load_protocol("lite-v1"),
        fit="tile",
        size=32,
        seed=0,
    )
    said = expected_protection(request, None)
    assert "no measurement with em-fu22 and lite-v1 is available (there are none here; give --results)" in said


def test_every_published_limit_is_there() -> None:
    _, rows, cited = limits()
    assert all(cell != "-" for row in rows for cell in row)
    assert len(cited) == 2
