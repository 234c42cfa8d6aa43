"""Write synthetic records of realistic size, ten thousand or COUNT: `python synthetic.py FOLDER [COUNT]`.

Their numbers are drawn at random and mean nothing; they serve to time code that reads records and are never published.
"""

import random
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from attacks.core.cost import Passes
from attacks.methods.sem_liu24 import SEM_LIU24
from bench.config.cells import numbers_of
from bench.config.load import load_protocol
from bench.config.models import NoiseCell, VictimCell
from bench.records.schema import Cost, Environment, Metrics, NoiseMetrics, NoiseRecord, Point, Record, VictimRecord
from bench.records.store import Store
from victims.recipes.supervised import SUPERVISED

COUNT = 10_000
DATASETS = ("synthetic-10", "synthetic-100")
METHODS = ("clean", "random", "em-fu22", "rem-fu22", "sem-liu24")
RADII = (0.0, 1.0, 2.0, 3.0, 4.0)
SEEDS = range(3)
EVALUATIONS = 40
ENVIRONMENT = Environment(
    device="Synthetic GPU",
    driver="580.1",
    threads=2,
    platform="synthetic",
    versions=dict.fromkeys(("unlearnable-bench", "torch", "torchvision", "timm", "numpy", "pillow"), "0.0.0"),
    commit="0" * 40,
    dirty=False,
)
NUMBERS = numbers_of(SUPERVISED.reads, load_protocol("paper-v1").setup, "victim")
SHARED = {"status": "ok", "precision": "bf16", "environment": ENVIRONMENT, "finished": "2026-01-01T00:00:00+00:00"}


def records(count: int = COUNT) -> Iterator[Record]:
    """Yield `count` records: noises, then victims with as many networks as needed."""
    noises = [_noise(*place) for place in product(DATASETS, METHODS, SEEDS)]
    yield from noises[:count]
    victims = (f"network{n}" for n in range(count))
    for (victim, noise, rho_a), _ in zip(product(victims, noises, RADII), range(count - len(noises)), strict=False):
        yield _victim(noise, victim, rho_a)


def _noise(dataset: str, method: str, seed: int) -> NoiseRecord:
    setup = load_protocol("paper-v1").setup
    inputs = {"dataset": dataset, "engine": "1", "method": f"{method}/1", "precision": "bf16"}
    inputs["stream"] = f"{dataset}/synthetic-v1"
    numbers = numbers_of(SEM_LIU24.recipe.reads, setup, "noise")
    return NoiseRecord(
        cell=NoiseCell(
            dataset=dataset, method=method, seed=seed, protocol="synthetic-v1", inputs=inputs, numbers=numbers
        ),
        bound="L-inf rho_u",
        bounded=True,
        costs={"generation": Cost(seconds=100.0 + seed, passes=Passes(attack=1000, train=100))},
        metrics=NoiseMetrics(linf=8, l2_mean=300),
        peak_memory=2**30,
        digests={"dataset": dataset, "noise": f"{method}-{seed}"},
        by="nobody",
        **SHARED,
    )


def _victim(noise: NoiseRecord, victim: str, rho_a: float) -> VictimRecord:
    cell = noise.cell
    draw = random.Random(f"{cell.key}/{victim}/{rho_a}")
    curve = tuple(
        Point(step=1000 * n, accuracy=round(100 * draw.random(), 2), loss=draw.random())
        for n in range(1, EVALUATIONS + 1)
    )
    accuracy = curve[-1].accuracy
    return VictimRecord(
        cell=VictimCell(
            dataset=cell.dataset,
            method=cell.method,
            victim=victim,
            rho_a=rho_a,
            seed=cell.seed,
            protocol=cell.protocol,
            inputs=cell.inputs | {"noise": cell.key, "recipe": "supervised/1", "countermeasure": "standard/1"},
            numbers=NUMBERS,
        ),
        costs={
            "training": Cost(seconds=60.0, passes=Passes(attack=900, train=100)),
            "evaluation": Cost(seconds=3.0, passes=Passes(forward=5000)),
        },
        metrics=Metrics(accuracy_final=accuracy, accuracy_last_mean=accuracy, accuracy_peak=accuracy),
        curve=curve,
        digests=noise.digests,
        by="nobody",
        **SHARED,
    )


if __name__ == "__main__":
    store = Store(Path(sys.argv[1]))
    for made in records(*map(int, sys.argv[2:])):
        store.write(made)
