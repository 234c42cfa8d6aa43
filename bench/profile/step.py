"""Time the surrogate step of a method, shortened if it would take too long."""

from contextlib import suppress

import torch

from attacks.core.cost import Passes
from attacks.core.errors import StoppedError
from attacks.core.runtime import Runtime
from attacks.core.settings import NoiseSettings, SignSteps
from attacks.spec import Recipe
from attacks.task import Task
from bench.profile.stopwatch import StepTimer
from bench.profile.subject import ProfileSubject

STEPS = {"cpu": 1, "cuda": 4}  # a GPU's first step pays for set-up


def passes_of(recipe: Recipe, settings: NoiseSettings) -> Passes:
    """Count the image-passes of one step."""
    once, twice = (
        recipe.passes(settings.model_copy(update={"steps": steps}), images=settings.batch) for steps in (1, 2)
    )
    return twice - once


def fit_to_budget(subject: ProfileSubject, attack: float, train: float, *, budget: float) -> NoiseSettings:
    """Return the protocol's numbers with as many of the K sign steps as fit into `budget` seconds, at least one.

    The steps of the inner attack are cut in the same proportion.

    Args:
        subject: what is profiled.
        attack, train: image-passes per second of each kind.
        budget: seconds of one step.
    """
    settings = subject.setup.noise
    for steps in range(settings.descent.steps, 0, -1):
        inner = max(1, round(settings.ascent.steps * steps / settings.descent.steps))
        short = settings.model_copy(
            update={
                "descent": SignSteps(steps=steps, step=settings.descent.step),
                "ascent": SignSteps(steps=inner, step=settings.ascent.step),
            }
        )
        passes = passes_of(subject.recipe, short)
        if passes.attack / attack + passes.train / train <= budget:
            break
    return short


def time_step(subject: ProfileSubject, settings: NoiseSettings, runtime: Runtime) -> list[float]:
    """Return the seconds of surrogate steps on random images, except the first if the device needs a warm-up."""
    device, channels, side = runtime.device, subject.channels, subject.side
    steps = STEPS[device.type]
    timer = StepTimer(runtime, steps)
    shape = (settings.batch, channels, side, side)
    task = Task(
        images=torch.randint(0, 256, shape, dtype=torch.uint8, device=device),
        labels=torch.arange(settings.batch, device=device) % subject.classes,
        classes=subject.classes,
        dataset="",
        settings=settings.model_copy(update={"steps": steps + 1}),
        augment=subject.setup.augment,
        network=subject.build,
        generator=torch.Generator(device).manual_seed(0),
        runtime=runtime,
        report=lambda _done, _all: None,
        keeper=timer,
    )
    with suppress(StoppedError):
        subject.recipe.make(task)
    return timer.seconds
