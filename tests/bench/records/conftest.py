"""One synthetic noise record and one synthetic victim record; their numbers mean nothing."""

from pathlib import Path

import pytest

from attacks.methods.em_fu22 import EM_FU22
from bench.config.models import NoiseCell, VictimCell
from bench.records.schema import (
    Cost,
    Environment,
    Metrics,
    NoiseMetrics,
    NoiseRecord,
    Passes,
    Point,
    VictimRecord,
)
from bench.records.store import Store

INPUTS = {
    "dataset": "d" * 64,
    "engine": "1",
    "method": EM_FU22.identity,
    "precision": "fp32",
    "stream": "synthetic/test-v1",
}
NUMBERS = {"noise": {"rho_u": 8}}
ENVIRONMENT = Environment(
    device="Synthetic GPU", driver="580.1", threads=2, platform="test", versions={}, commit="abc", dirty=False
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


@pytest.fixture
def noise() -> NoiseRecord:
    return NoiseRecord(
        cell=NoiseCell(
            dataset="synthetic", method="em-fu22", seed=1, protocol="test-v1", inputs=INPUTS, numbers=NUMBERS
        ),
        status="ok",
        costs={"generation": Cost(seconds=12.5, passes=Passes(attack=900, train=100, forward=7))},
        bound="L-inf rho_u",
        bounded=True,
        metrics=NoiseMetrics(linf=8, l2_mean=300),
        peak_memory=2**30,
        precision="fp32",
        environment=ENVIRONMENT,
        digests={"dataset": "d" * 64, "noise": "e" * 64},
        finished="2026-01-01T00:00:00Z",
        by="test",
    )


@pytest.fixture
def victim(noise: NoiseRecord) -> VictimRecord:
    return VictimRecord(
        cell=VictimCell(
            dataset="synthetic",
            method="em-fu22",
            victim="resnet18-w16",
            rho_a=4,
            seed=1,
            protocol="test-v1",
            inputs=INPUTS | {"noise": noise.cell.key, "recipe": "supervised/1", "countermeasure": "standard/1"},
            numbers={"victim": {"steps": 20}},
        ),
        status="ok",
        costs={
            "training": Cost(seconds=60, passes=Passes(attack=4000, train=400)),
            "evaluation": Cost(seconds=3, passes=Passes(forward=1000)),
        },
        metrics=Metrics(accuracy_final=40, accuracy_last_mean=41, accuracy_peak=52, accuracy_robust=20),
        curve=(Point(step=10, accuracy=52, loss=2.0), Point(step=20, accuracy=40, loss=None)),
        precision="bf16",
        environment=ENVIRONMENT,
        digests={"dataset": "d" * 64, "noise": "e" * 64},
        finished="2026-01-01T01:00:00Z",
        by="test",
    )
