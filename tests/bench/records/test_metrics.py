"""The one table of metrics: its entries match what is measured, and all that reads it has every one."""

from pathlib import Path

import numpy as np

from bench.records.frame import load_records
from bench.records.metrics import IN_TABLES, OF_NOISES, OF_VICTIMS, MeasuredNoise, Trained, Visibility, measure_all
from bench.records.schema import Metrics, NoiseMetrics


def test_a_victims_metrics_are_those_of_a_hand_calculation() -> None:
    found = Trained(steps=(1, 2, 3), accuracies=(10.0, 40.0, 25.0), losses=(1, 2, 3), last=2, robust=None, train=99.0)
    assert Metrics(**measure_all(OF_VICTIMS, found)).model_dump() == {
        "accuracy_final": 25.0,
        "accuracy_last_mean": 32.5,
        "accuracy_peak": 40.0,
        "accuracy_robust": None,
        "accuracy_train": 99.0,
    }


def test_a_noises_metrics_are_those_of_a_hand_calculation() -> None:
    noise = np.zeros((2, 1, 2, 2), dtype=np.int8)
    noise[0, 0, 0] = (3, -4)
    visible = Visibility(40.0, 30.0, 0.9, 0.8, 90.0, 50.0, None)
    found = NoiseMetrics(**measure_all(OF_NOISES, MeasuredNoise(noise, None, visible))).model_dump()
    assert found == {"linf": 4.0, "l2_mean": 2.5, "sign_agreement": None, **visible._asdict()}


def test_a_noise_that_was_recorded_before_its_visibility_was_measured_stays_valid() -> None:
    found = NoiseMetrics.model_validate({"linf": 8.0, "l2_mean": 300.0})
    assert found.psnr_mean is found.detectability is None


def test_frames_have_a_column_for_each_that_names_one(tmp_path: Path) -> None:
    columns = {metric.column for metric in (*OF_VICTIMS, *OF_NOISES)} - {None}
    assert columns < set(load_records(tmp_path))
    assert {str(metric.column) for metric in IN_TABLES.values()} < columns
