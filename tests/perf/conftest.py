"""Networks, numbers and rounds shared by the benchmarks.

Each benchmark records in `extra_info` what a round did: its `image_passes`, if any, and what `report.py` compares it
by. Nothing here asserts a time.
"""

import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from attacks.core.runtime import Runtime
from attacks.core.settings import NoiseSettings, Precision
from attacks.core.state import NullKeeper
from attacks.engine.surrogate import Loop
from attacks.methods import method
from attacks.recipes.surrogate_loop import SurrogateLoop
from attacks.task import Task
from bench.config.load import load_protocol
from bench.config.models import Setup
from bench.run.environment import environment
from bench.run.process import set_up
from victims.networks.build import build

Batch = tuple[torch.Tensor, torch.Tensor]
Build = Callable[[str], torch.nn.Module]
Measure = Callable[..., None]
DEVICE = "cuda:0" if torch.cuda.is_available() else "cpu"
THREADS = len(os.sched_getaffinity(0))
SIDE = 32


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--short", action="store_true", help="one round of small batches, to check that everything runs")


def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    """Add what the numbers depend on, as records do."""
    machine_info.update(environment(DEVICE, THREADS).model_dump(mode="json"), short=config.getoption("--short"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the plain loops first: once set up as ours, the process keeps freed memory for the rest of its life."""
    items.sort(key=lambda item: item.get_closest_marker("plain") is None)


@pytest.fixture(autouse=True)
def arithmetic(request: pytest.FixtureRequest) -> None:
    """Set up the arithmetic as workers do; for the plain loops, only threads and denormals."""
    if request.node.get_closest_marker("plain"):
        torch.set_num_threads(THREADS)
        torch.set_flush_denormal(True)
    else:
        set_up(THREADS)


@pytest.fixture(scope="session")
def is_short(pytestconfig: pytest.Config) -> bool:
    return bool(pytestconfig.getoption("--short"))


@pytest.fixture
def measure(benchmark: BenchmarkFixture, is_short: bool) -> Measure:
    """Time a call, waiting for the device, after one warm-up round."""

    def run(action: Callable[[], object], *, rounds: int = 5, warm_up: int = 1, **extra_info: object) -> None:
        def timed() -> None:
            action()
            if DEVICE != "cpu":
                torch.cuda.synchronize(DEVICE)

        benchmark.extra_info.update(extra_info)
        benchmark.pedantic(
            timed, rounds=1 if is_short else rounds, iterations=1, warmup_rounds=0 if is_short else warm_up
        )

    return run


@pytest.fixture(scope="session")
def naive(load_file: Callable[[Path], ModuleType]) -> ModuleType:
    """The plain loop that everything is compared with."""
    return load_file(Path(__file__).with_name("naive.py"))


@pytest.fixture(scope="session")
def synthetic(load_file: Callable[[Path], ModuleType]) -> ModuleType:
    """The module that makes synthetic records."""
    return load_file(Path(__file__).with_name("synthetic.py"))


@pytest.fixture(scope="session")
def runtime_of() -> Callable[[Precision], Runtime]:
    return _runtime


def _runtime(precision: Precision) -> Runtime:
    return Runtime.on(DEVICE, precision=precision, side=SIDE)


@pytest.fixture(scope="session")
def runtime() -> Runtime:
    """The runtime of `paper-v1`."""
    return _runtime("bf16")


@pytest.fixture(scope="session")
def setup(is_short: bool) -> Setup:
    """`paper-v1`; benchmarks shorten it where they say so."""
    found = load_protocol("paper-v1").setup
    return found.model_copy(update={"noise": found.noise.model_copy(update={"batch": 4 if is_short else 128})})


@pytest.fixture(scope="session")
def network() -> Build:
    return lambda name: build(name, classes=10, channels=3, size=SIDE, seed=0)


@pytest.fixture(scope="session")
def batch(setup: Setup) -> Batch:
    """Random uint8 images and their labels."""
    count = setup.noise.batch
    images = torch.randint(
        0, 256, (count, 3, SIDE, SIDE), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    return images.to(DEVICE), (torch.arange(count) % 10).to(DEVICE)


@pytest.fixture
def loop(batch: Batch, setup: Setup, network: Build) -> Callable[[str, str, NoiseSettings, Runtime], Loop]:
    """Return a function that makes a method's surrogate loop on the batch with a given network."""

    def make(wanted: str, name: str, settings: NoiseSettings, runtime: Runtime) -> Loop:
        recipe = method(wanted).recipe
        assert isinstance(recipe, SurrogateLoop)
        task = Task(
            images=batch[0],
            labels=batch[1],
            classes=10,
            dataset="",
            settings=settings,
            augment=setup.augment,
            network=lambda: network(name),
            generator=torch.Generator(runtime.device).manual_seed(0),
            runtime=runtime,
            report=lambda _done, _all: None,
            keeper=NullKeeper(),
        )
        return recipe.loop(task)

    return make
