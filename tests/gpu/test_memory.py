"""The memory used to make noise stays under a bound computed from the network and does not grow with the steps."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from attacks.core.runtime import Runtime
from attacks.core.settings import Precision, SignSteps
from attacks.core.state import NullKeeper, State
from attacks.methods import method
from attacks.task import Task
from bench.config.load import load_protocol
from bench.run import process
from victims.networks.build import build

MakeRuntime = Callable[[Precision], Runtime]
FLOAT = 4  # bytes
COPIES = 8  # of the weights: network, gradient, momentum, twin, copies that find foldable layers
STACKS = 30  # of floats of the size of all views: images, views, their indices, draws, signs
ACTIVATIONS = 2  # of each layer: its output and the derivative there
LIBRARIES = 2**30  # bytes: workspaces of cuDNN and cuBLAS
SLACK = {"cuda": 2**20, "cpu": 2**26}  # bytes; on the CPU, everything in the process counts


class Watch(NullKeeper):
    """A keeper that records the peak memory after each step."""

    def __init__(self, runtime: Runtime) -> None:
        self.peaks: list[int] = []
        self._runtime = runtime

    def offer(self, capture: Callable[[], State]) -> None:
        """Record the peak so far."""
        self._runtime.synchronise()
        self.peaks.append(process.peak(str(self._runtime.device)))


def floats_of(network: nn.Module, side: int) -> tuple[int, int]:
    """Count a network's weights, and the outputs of all its layers for one image."""
    outputs: list[int] = []

    def count(_module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        outputs.append(output.numel())

    for module in network.modules():
        if not list(module.children()):
            module.register_forward_hook(count)
    with torch.no_grad():
        network.eval()(torch.zeros(1, 3, side, side))
    return sum(kept.numel() for kept in network.state_dict().values()), sum(outputs)


def test_memory_is_bounded_and_does_not_grow(runtime_of: MakeRuntime, is_real: bool, table: Any) -> None:
    runtime, setup = runtime_of("fp32"), load_protocol("paper-v1").setup
    name, batch = ("resnet18", setup.noise.batch) if is_real else ("resnet18-w8", 8)
    steps, signs = 5, SignSteps(steps=2, step=0.5)
    settings = setup.noise.model_copy(update={"steps": steps, "batch": batch, "descent": signs, "ascent": signs})

    def network() -> nn.Module:
        return build(name, classes=10, channels=3, size=32, seed=0)

    watch = Watch(runtime)
    process.reset_peak(str(runtime.device))
    before = process.peak(str(runtime.device))
    task = Task(
        images=torch.randint(0, 256, (batch, 3, 32, 32), dtype=torch.uint8, device=runtime.device),
        labels=torch.arange(batch, device=runtime.device) % 10,
        classes=10,
        dataset="",
        settings=settings,
        augment=setup.augment,
        network=network,
        generator=torch.Generator(runtime.device).manual_seed(0),
        runtime=runtime,
        report=lambda _done, _all: None,
        keeper=watch,
    )
    made = method("sem-liu24").recipe.make(task)
    weights, outputs = floats_of(network(), 32)
    views = batch * settings.views
    stacks, layers = STACKS * views * task.images[0].numel(), ACTIVATIONS * min(views, runtime.chunk) * outputs
    bound, peak = FLOAT * (COPIES * weights + stacks + layers) + LIBRARIES, watch.peaks[-1] - before
    table.add_memory(f"SEM, {name}, batch {batch}, J {settings.views}, fp32", peak=peak, bound=bound)
    assert made.eager is None
    assert len(watch.peaks) == steps + 1
    assert task.images.numel() < peak < bound
    assert watch.peaks[-1] - watch.peaks[1] <= SLACK[runtime.device.type]
