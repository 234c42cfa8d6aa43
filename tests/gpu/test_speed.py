"""Image-passes per second against the released code's way: eager, NCHW, fp32 with TF32 allowed, BatchNorm unfolded.

Numbers are those of `paper-v1` (ResNet-18, batch 128). EM and SEM steps are timed in full; a REM step has one sign step
instead of ten, which would take ten times as long at the same cost each. Nothing here asserts a speed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from attacks.core.optimiser import Optimiser
from attacks.core.runtime import Runtime
from attacks.core.settings import NoiseSettings, Precision, SignSteps
from attacks.core.state import NullKeeper
from attacks.engine.frozen import FrozenNetwork
from attacks.engine.pgd import ascend
from attacks.engine.surrogate import Loop
from attacks.methods import method
from attacks.recipes.surrogate_loop import SurrogateLoop
from attacks.task import Task
from bench.config.load import load_protocol
from bench.config.models import Setup
from bench.profile.step import passes_of
from bench.profile.stopwatch import repeat
from victims.networks.build import build

MakeRuntime = Callable[[Precision], Runtime]
BUDGET = 1.5  # seconds per measurement, after its warm-up; at least two rounds
WARM_UPS = 2  # by the second, all kinds of arguments have come twice and are captured
STEPS = {"em-fu22": 10, "sem-liu24": 10, "rem-fu22": 1}  # K


@pytest.fixture(scope="module")
def naive(load_file: Callable[[Path], ModuleType]) -> ModuleType:
    """The plain loop, written as in the released code."""
    return load_file(Path(__file__).parents[1] / "perf" / "naive.py")


@pytest.fixture(scope="module")
def setup(is_real: bool) -> Setup:
    """`paper-v1`, or a smaller version for a trial of the tests."""
    found = load_protocol("paper-v1").setup
    few = {} if is_real else {"batch": 4, "views": 2, "ascent": SignSteps(steps=2, step=0.5)}
    return found.model_copy(update={"noise": found.noise.model_copy(update=few)})


@pytest.fixture(scope="module")
def network(is_real: bool) -> Callable[[], nn.Module]:
    name = "resnet18" if is_real else "resnet18-w8"
    return lambda: build(name, classes=10, channels=3, size=32, seed=0)


@pytest.fixture(scope="module")
def batch(setup: Setup, device: torch.device) -> tuple[Tensor, Tensor]:
    """Random uint8 images and their labels."""
    count, generator = setup.noise.batch, torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8, generator=generator)
    return images.to(device), (torch.arange(count) % 10).to(device)


@contextmanager
def released() -> Iterator[None]:
    """Allow TF32 and any kernel, as the papers' PyTorch did by default."""
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    kept = cudnn.deterministic, cudnn.allow_tf32, matmul.allow_tf32
    cudnn.deterministic, cudnn.allow_tf32, matmul.allow_tf32 = False, True, True
    try:
        yield
    finally:
        cudnn.deterministic, cudnn.allow_tf32, matmul.allow_tf32 = kept


def rate(action: Callable[[], object], passes: int, runtime: Runtime, is_real: bool) -> float:
    """Return image-passes per second in the median round."""
    for _ in range(WARM_UPS if is_real else 0):
        action()
    return passes / median(repeat(action, runtime, budget=BUDGET if is_real else 0))


def plain_network(network: Callable[[], nn.Module], device: torch.device) -> tuple[nn.Module, torch.optim.Optimizer]:
    placed = network().to(device)
    return placed, torch.optim.SGD(placed.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)


def test_frozen_passes(
    setup: Setup,
    network: Callable[[], nn.Module],
    batch: tuple[Tensor, Tensor],
    runtime_of: MakeRuntime,
    naive: ModuleType,
    table: Any,
    is_real: bool,
) -> None:
    """Measure an attack: frozen passes, each followed by a sign step."""
    labels, settings = batch[1], setup.noise
    passes = len(labels) * settings.ascent.steps
    plain, _ = plain_network(network, labels.device)
    floats = batch[0].float() / 255
    with released():
        slow = rate(lambda: naive.attack(plain.eval(), floats, labels, settings), passes, runtime_of("fp32"), is_real)

    def attack(frozen: FrozenNetwork, runtime: Runtime) -> Callable[[], object]:
        images, generator = runtime.pixels(batch[0]), torch.Generator(runtime.device).manual_seed(0)
        radius, steps = settings.rho_a, settings.ascent
        return lambda: ascend(frozen, images, labels, radius=radius, steps=steps, generator=generator)

    ways: tuple[tuple[str, Precision, bool], ...] = (
        ("frozen passes, fp32", "fp32", True),
        ("frozen passes, bf16", "bf16", True),
        ("frozen passes, bf16 without graphs", "bf16", False),
    )
    for title, precision, graphs in ways:
        runtime = runtime_of(precision)
        frozen = FrozenNetwork(runtime.place(network()), runtime.pixels(batch[0][:2]), runtime)
        if not graphs:
            frozen._slope._capture = None
        table.add_speed(title, plain=slow, ours=rate(attack(frozen, runtime), passes, runtime, is_real))
        if frozen.eager:
            table.note(f"Without CUDA graphs: {frozen.eager}.")


def test_training_pass(
    setup: Setup,
    network: Callable[[], nn.Module],
    batch: tuple[Tensor, Tensor],
    runtime_of: MakeRuntime,
    naive: ModuleType,
    table: Any,
    is_real: bool,
) -> None:
    labels = batch[1]
    plain, sgd = plain_network(network, labels.device)
    floats = batch[0].float() / 255
    with released():
        slow = rate(lambda: naive.train_step(plain, sgd, floats, labels), len(labels), runtime_of("fp32"), is_real)
    precisions: tuple[Precision, ...] = ("fp32", "bf16")
    for precision in precisions:
        runtime = runtime_of(precision)
        images = runtime.pixels(batch[0])
        optimiser = Optimiser(runtime.place(network()), setup.noise.sgd, runtime)
        learn = partial(optimiser.step, images, labels)
        ours = rate(learn, len(labels), runtime, is_real)
        table.add_speed(f"training passes, {precision}", plain=slow, ours=ours)


@pytest.mark.parametrize("name", STEPS)
def test_step(
    name: str,
    setup: Setup,
    network: Callable[[], nn.Module],
    batch: tuple[Tensor, Tensor],
    runtime_of: MakeRuntime,
    naive: ModuleType,
    table: Any,
    is_real: bool,
) -> None:
    images, labels = batch
    signs = SignSteps(steps=STEPS[name] if is_real else 1, step=setup.noise.descent.step)
    settings = setup.noise.model_copy(update={"steps": 1, "descent": signs})
    recipe = method(name).recipe
    assert isinstance(recipe, SurrogateLoop)
    each = passes_of(recipe, settings)
    passes = each.attack + each.train
    plain, sgd = plain_network(network, labels.device)
    floats = images.float() / 255
    with released():
        slow = rate(
            lambda: naive.generation_step(plain, sgd, floats, labels, settings, name),
            passes,
            runtime_of("fp32"),
            is_real,
        )
    runtime = runtime_of(setup.precision)
    loop = loop_of(recipe, settings, setup, network, images, labels, runtime)
    index = torch.arange(len(images), device=runtime.device)
    ours = rate(lambda: loop._step(index), passes, runtime, is_real)
    table.add_speed(f"{name} step, K {signs.steps}, {setup.precision}", plain=slow, ours=ours)
    if why := loop._learner.twin().eager:
        table.note(f"Without CUDA graphs: {why}.")


def loop_of(
    recipe: SurrogateLoop,
    settings: NoiseSettings,
    setup: Setup,
    network: Callable[[], nn.Module],
    images: Tensor,
    labels: Tensor,
    runtime: Runtime,
) -> Loop:
    task = Task(
        images=images,
        labels=labels,
        classes=10,
        dataset="",
        settings=settings,
        augment=setup.augment,
        network=network,
        generator=torch.Generator(runtime.device).manual_seed(0),
        runtime=runtime,
        report=lambda _done, _all: None,
        keeper=NullKeeper(),
    )
    return recipe.loop(task)
