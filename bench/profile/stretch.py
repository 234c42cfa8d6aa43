"""A short stretch of a real cell: the time of each phase, and how much of the whole cell it covers."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from statistics import median

import torch
from torch import nn
from torch.nn import functional

from attacks.core.errors import RequestError, StoppedError, first_line
from attacks.core.optimiser import Optimiser
from attacks.core.settings import OptimiserSettings
from attacks.engine.frozen import FrozenNetwork
from attacks.methods import method
from bench.config.models import VictimCell
from bench.data import entry
from bench.profile.phases import (
    EVALUATION,
    GRADIENTS,
    SURROGATE_ATTACK,
    SURROGATE_PASSES,
    VICTIM_ATTACK,
    VICTIM_PASSES,
    Basis,
    Network,
    Phase,
    phase_of,
)
from bench.profile.sampler import Sampler
from bench.profile.step import passes_of
from bench.profile.stopwatch import repeat
from bench.run.cell import run_cell
from bench.run.job import Job
from bench.run.making import Report, network_of, runtime_of
from bench.run.workplace import Workplace
from victims.countermeasures import countermeasure
from victims.recipes import training
from victims.recipes.spec import Stage

BUDGET = 15.0  # seconds of a stretch's steps, estimated from the speed of the bare network
BARE_BUDGET = 1.0  # seconds of each kind of bare passes
LEAST = 2  # steps that count
WARM_UP = 1  # steps before them

_IN_STEPS: frozenset[Basis] = frozenset({"images", "steps", "attack"})


@dataclass(frozen=True, kw_only=True)
class Amounts:
    """How much work there is in a cell, or in a stretch of one.

    Attributes:
        of: the amount of each basis that time grows with.
        passes: image-passes that each phase makes.
    """

    of: Mapping[Basis, float]
    passes: Mapping[Phase, float] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """The number of network updates."""
        return int(self.of.get("steps", 0))


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """The measurements of a kind of cell.

    Attributes:
        seconds: by phase.
        amounts: what was done in that time.
        bare: image-passes per second of the bare network just before, by kind; empty where there is no network.
    """

    seconds: Mapping[Phase, float]
    amounts: Amounts
    bare: Mapping[Network, float] = field(default_factory=dict)


def measure_whole(job: Job, place: Workplace) -> Stretch:
    """Run a cell that needs no network from end to end.

    Raises:
        RequestError: if it fails.
    """
    with Sampler(phase_of) as sampler:
        _run(job, place, lambda _done, _all: None, lambda: False)
    return Stretch(seconds=sampler.seconds, amounts=Amounts(of={"cells": 1}))


def measure_stretch(job: Job, place: Workplace) -> Stretch:
    """Run as many steps of a cell as fit into `BUDGET` and the evaluation after them, and save its state.

    Args:
        job: a noise whose recipe has steps, or a victim whose training has one stage.
        place: where to run; its cache holds the noise that a victim learns from.

    Raises:
        RequestError: if the cell fails.
    """
    bare, done = bare_rates(job, place), 0
    steps = min(WARM_UP + _affordable(job, place, bare), amounts_of(job, place).steps - 1)
    early: Mapping[Phase, float] = {}

    def report(_so_far: float, _all: float) -> None:  # called once a step, with parts of the whole cell
        nonlocal done, early
        done += 1
        if done == WARM_UP:
            early = sampler.seconds

    with Sampler(phase_of) as sampler, suppress(StoppedError):
        _run(_evaluated_after(job, steps), place, report, lambda: done >= steps)
    seconds = {
        phase: spent - (early.get(phase, 0.0) if phase.basis in _IN_STEPS else 0.0)
        for phase, spent in sampler.seconds.items()
    }
    return Stretch(seconds=seconds, amounts=amounts_of(job, place, steps=steps - WARM_UP), bare=bare)


def _run(job: Job, place: Workplace, report: Report, stopping: Callable[[], bool]) -> None:
    record = run_cell(job, place, report, stopping)
    if record.error:
        raise RequestError(f"{job.cell.label} failed, so its phases cannot be measured: {first_line(record.error)}")


def check_length(job: Job, place: Workplace) -> None:
    """Check that a cell is long enough for a stretch; arguments as for `measure_stretch`.

    Raises:
        RequestError: if it has too few steps.
    """
    steps = amounts_of(job, place).steps
    if steps <= WARM_UP + LEAST:
        raise RequestError(f"{job.cell.label} has only {steps} steps; give a protocol with more of them")


def amounts_of(job: Job, place: Workplace, steps: int | None = None) -> Amounts:
    """Return how much work there is in a cell, or in a stretch of some steps and one evaluation.

    Args:
        job: a noise whose recipe has steps, or a victim whose training has one stage.
        place: where to look for the dataset.
        steps: of the stretch; None: the whole cell.
    """
    found = entry(job.dataset, place.places)
    if isinstance(job.cell, VictimCell):
        return _of_victim(job, job.cell, found.train, found.test, steps)
    return _of_noise(job, found.train, steps)


def _of_noise(job: Job, count: int, steps: int | None) -> Amounts:
    recipe, numbers = method(job.method).recipe, job.setup.noise
    batch = min(numbers.batch, count)
    each = recipe.passes(numbers.model_copy(update={"steps": 0}), count).attack / count  # per image, for its noise
    step = passes_of(recipe, numbers.model_copy(update={"batch": batch}))
    updates = numbers.steps if steps is None else steps
    images = updates * batch + (count if steps is None else 0)
    return Amounts(
        of={"images": images, "steps": updates, "cells": 1},
        passes={
            GRADIENTS: images * each,
            SURROGATE_ATTACK: updates * (step.attack - batch * each),
            SURROGATE_PASSES: updates * step.train,
        },
    )


def _of_victim(job: Job, cell: VictimCell, images: int, tests: int, steps: int | None) -> Amounts:
    numbers, stage = job.setup.victim, stage_of(job, cell)
    seen = stage.all_draws(countermeasure(cell.countermeasure)) * min(stage.batch, images) * stage.views
    part = 1.0 if steps is None else steps / stage.steps
    attacks = numbers.attack.steps if cell.rho_a and stage.attacked else 0
    attack, forward = (job.passes.attack, job.passes.forward) if steps is None else (part * seen * attacks, tests)
    return Amounts(
        of={
            "steps": stage.steps if steps is None else steps,
            "attack": attack,
            "forward": forward,
            "cells": 1,
        },
        passes={
            VICTIM_ATTACK: attack,
            VICTIM_PASSES: part * seen * stage.cost.train,
            EVALUATION: forward,
        },
    )


def stage_of(job: Job, cell: VictimCell) -> Stage:
    """Return the only stage of a victim's training."""
    (stage,) = training(cell.training).stages(job.setup.victim)
    return stage


def bare_rates(job: Job, place: Workplace) -> Mapping[Network, float]:
    """Measure the image-passes per second of a cell's bare network on random images, without the optimiser."""
    runtime = runtime_of(job, place)
    batch, sgd, parts = _learning(job)
    channels, side = job.shape
    network = runtime.place(network_of(job, str(job.network), "bare"))
    count = max(batch, runtime.chunk)
    pixels = torch.randint(0, 256, (count, channels, side, side), dtype=torch.uint8, device=runtime.device)
    images, labels = runtime.pixels(pixels), torch.arange(count, device=runtime.device) % job.classes
    frozen = FrozenNetwork(network, images[:2], runtime)
    chunk = images[: runtime.chunk], labels[: runtime.chunk]
    batch_of = images[:batch], labels[:batch]
    learner = Optimiser(network, sgd, runtime, parts=parts(network) if parts else None)
    learner.step(*batch_of)  # from here on, what learns is in train mode

    def learn() -> None:
        with runtime.autocast():
            loss = functional.cross_entropy(network(batch_of[0]).to(images.dtype), batch_of[1])
        loss.backward()

    works: dict[Network, tuple[int, Callable[[], object]]] = {
        "attack": (len(chunk[0]), lambda: frozen.gradient(*chunk)),
        "train": (batch, learn),
        "forward": (len(chunk[0]), lambda: frozen.logits(chunk[0])),
    }
    found: dict[Network, float] = {}
    for kind, (many, work) in works.items():
        work()  # warms up
        found[kind] = many / median(repeat(work, runtime, budget=BARE_BUDGET))
    return found


def _learning(job: Job) -> tuple[int, OptimiserSettings, Callable[[nn.Module], Iterable[nn.Module]] | None]:
    """Return the images per update of a cell's network, its optimiser's numbers, and which parts learn."""
    if isinstance(job.cell, VictimCell):
        stage = stage_of(job, job.cell)
        return stage.batch * stage.views, stage.optimiser, stage.parts
    return job.setup.noise.batch, job.setup.noise.sgd, None


def _affordable(job: Job, place: Workplace, bare: Mapping[Network, float]) -> int:
    """Return how many steps fit into `BUDGET` at the speed of the bare network."""
    one = amounts_of(job, place, steps=1).passes
    needed = sum(passes / bare[phase.network] for phase, passes in one.items() if phase.network and phase != EVALUATION)
    return max(LEAST, int(BUDGET / needed))


def _evaluated_after(job: Job, steps: int) -> Job:
    """Return a job whose victim is evaluated every `steps` steps, otherwise unchanged."""
    victim = job.setup.victim.model_copy(update={"evaluate_every": steps})
    return replace(job, setup=job.setup.model_copy(update={"victim": victim}))
