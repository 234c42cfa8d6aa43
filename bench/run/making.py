"""Set up what a job computes with (runtime, random streams, networks), and make its noise."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch

from attacks.core.runtime import Runtime
from attacks.core.settings import Mean, Stems
from attacks.core.state import Keeper
from attacks.methods import method
from attacks.spec import Method
from attacks.task import NoiseResult, Task
from bench.config.cells import surrogate_of
from bench.config.models import Cell, NoiseCell, Setup
from bench.run.draws import stream
from bench.run.job import Job
from bench.run.workplace import Workplace
from victims.networks.build import build, seen_side
from victims.networks.names import parse_victim
from victims.train import LabelledImages

Report = Callable[[float, float], None]


class UnusableNoiseError(Exception):
    """A method returned something other than noise for its images."""


@contextmanager
def seeded(job: Job, workplace: Workplace) -> Iterator[None]:
    """Seed torch's global state, for networks that draw during training (e.g. dropout), and restore it at the end."""
    with torch.random.fork_rng(devices=gpus_of(workplace)):
        torch.manual_seed(stream(job.cell, "global", _purpose(job.cell)))
        yield


def gpus_of(workplace: Workplace) -> list[torch.device]:
    """Return the devices besides the CPU that have their own random state."""
    return [] if workplace.device == "cpu" else [torch.device(workplace.device)]


def make_noise(
    job: Job,
    train: LabelledImages,
    dataset: str,
    runtime: Runtime,
    workplace: Workplace,
    report: Report,
    keeper: Keeper,
) -> NoiseResult:
    """Make the noise for a training set, and wait for the device to finish.

    Args:
        job: the noise's.
        train: the training set.
        dataset: the digest of its dataset.
        runtime, workplace: where.
        report: called with (work done, total work).
        keeper: keeps the state of the work in case it is interrupted.

    Raises:
        DivergedError: if a network of the method diverged.
        UnusableNoiseError: if what the method returned cannot be used.
    """
    known = method(job.method)
    task = Task(
        images=train.images,
        labels=train.labels,
        classes=job.classes,
        dataset=dataset,
        settings=job.setup.noise,
        augment=job.setup.augment,
        network=partial(network_of, job, surrogate_of(known.recipe, job.setup), "surrogate"),
        generator=generator_of(job, workplace),
        runtime=runtime,
        report=report,
        keeper=keeper,
        passes=job.passes,
    )
    made = known.recipe.make(task)
    runtime.synchronise()
    _check_noise(known, made.noise, task)
    return made


def _check_noise(maker: Method, noise: torch.Tensor, task: Task) -> None:
    """Check that a method returned noise in units of 1/255 for every image, within its bound.

    Raises:
        UnusableNoiseError: if it did not.
    """
    returned, bound = f"method {maker.name!r} returned", task.settings.rho_u
    if noise.dtype not in (torch.int8, torch.int16):
        kind = str(noise.dtype).removeprefix("torch.")
        raise UnusableNoiseError(f"{returned} {kind} noise; return int8 or int16, in units of 1/255")
    if noise.shape != task.images.shape:
        found, wanted = tuple(noise.shape), tuple(task.images.shape)
        raise UnusableNoiseError(f"{returned} noise of shape {found}; return {wanted}, a noise for each image")
    if maker.bounded and (largest := max(abs(int(end)) for end in noise.aminmax())) > bound:
        raise UnusableNoiseError(
            f"{returned} noise of up to {largest}/255, above rho_u ({bound}/255); clip it, or set bounded=False"
        )


def runtime_of(job: Job, workplace: Workplace) -> Runtime:
    """Return the runtime of a job at a workplace."""
    side = seen_side(job.network, job.shape[1], job.weights_side) if job.network else job.shape[1]
    return Runtime.on(workplace.device, precision=job.setup.precision, side=side, scratch=workplace.places.cache)


def generator_of(job: Job, workplace: Workplace) -> torch.Generator:
    """Return the random stream of a job, the same for all methods."""
    return torch.Generator(workplace.device).manual_seed(stream(job.cell, _purpose(job.cell)))


def _purpose(cell: Cell) -> str:
    return "noise" if isinstance(cell, NoiseCell) else f"victim/{cell.victim}/{cell.rho_a:g}"


def network_of(
    job: Job, name: str, purpose: str, *, stem: Stems | None = None, mean: Mean | None = None
) -> torch.nn.Module:
    """Build a network for a job's images, with weights drawn for one purpose; `stem` and `mean` as for `built`."""
    seed = stream(job.cell, purpose, parse_victim(name).recorded)
    return built(
        name,
        job.setup,
        shape=job.shape,
        classes=job.classes,
        seed=seed,
        stem=stem,
        mean=mean,
        side=job.weights_side,
    )


def built(
    name: str,
    setup: Setup,
    *,
    shape: tuple[int, int],
    classes: int,
    seed: int,
    stem: Stems | None = None,
    mean: Mean | None = None,
    side: int | None = None,
) -> torch.nn.Module:
    """Build a network for images of `shape` (channels, side) as a protocol specifies, unless `stem` or `mean` is given.

    `side` is what images are resized to where weights expect their own size; None for that size.
    """
    channels, size = shape
    return build(
        name,
        classes=classes,
        channels=channels,
        size=size,
        stem=stem or setup.stem,
        init=setup.init,
        mean=setup.mean if mean is None else mean,
        std=setup.std,
        side=side,
        seed=seed,
    )


def placed(images: np.ndarray, labels: np.ndarray, runtime: Runtime) -> LabelledImages:
    """Put uint8 images (N, C, H, W) and their int64 labels on the runtime's device."""
    return LabelledImages(
        images=torch.from_numpy(images).to(runtime.device), labels=torch.from_numpy(labels).to(runtime.device)
    )
