"""Train a victim on protected images, by standard or adversarial training, and measure it on clean test images."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from attacks.batches import shuffled
from attacks.cost import Passes
from attacks.frozen import FrozenNetwork
from attacks.optimiser import Optimiser
from attacks.pgd import ascend
from attacks.runtime import Runtime
from attacks.settings import Augment
from attacks.views import centre, draw
from victims.evaluate import Score, evaluate, robust_accuracy
from victims.settings import VictimSettings


class DivergedError(RuntimeError):
    """The victim's loss is no longer finite, so that its accuracy says nothing about the noise."""


@dataclass(frozen=True, kw_only=True)
class Images:
    """Images uint8 (N, C, H, W) and labels int64 (N,), on the runtime's device."""

    images: Tensor
    labels: Tensor


@dataclass(frozen=True, kw_only=True)
class Training:
    """One victim to train.

    Attributes:
        network: freshly initialised, normalisation inside.
        train: the protected training images.
        test: the clean test images.
        rho_a: radius of adversarial training in 1/255; 0 is standard training.
        settings, augment: the protocol's numbers.
        generator: every random draw comes from it.
        runtime: device, precision, chunk size.
        report: called with (steps done, all steps).
    """

    network: nn.Module
    train: Images
    test: Images
    rho_a: float
    settings: VictimSettings
    augment: Augment
    generator: torch.Generator
    runtime: Runtime
    report: Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of it: accuracies in percent, seconds and image-passes of training and of evaluation."""

    curve: tuple[tuple[int, Score], ...]
    accuracy_train: float
    accuracy_robust: float | None
    training: tuple[float, Passes]
    evaluation: tuple[float, Passes]


def train(task: Training) -> Outcome:
    """Train a victim to the end and measure it.

    Raises:
        DivergedError: where the training loss stops being finite.
    """
    return _Run(task).run()


class _Run:
    def __init__(self, task: Training) -> None:
        self._task = task
        network = task.runtime.place(task.network)
        example = centre(task.runtime.pixels(task.train.images[:2]), task.augment)
        self._frozen = FrozenNetwork(network, example, task.runtime)
        self._optimiser = Optimiser(network, task.settings.sgd, task.runtime)
        self._batches = shuffled(len(task.train.images), task.settings.batch, task.generator)
        self._size = (task.train.images.shape[2], task.train.images.shape[3])
        self._done = 0
        self._training, self._evaluation = _Clock(), _Clock()

    def run(self) -> Outcome:
        settings = self._task.settings
        curve: list[tuple[int, Score]] = []
        while self._done < settings.steps:
            with self._clocked(self._training):
                loss = self._train(min(settings.evaluate_every, settings.steps - self._done))
            if not math.isfinite(loss):
                raise DivergedError(f"training diverged: the loss is {loss} within {self._done} steps")
            with self._clocked(self._evaluation):
                curve.append((self._done, self._score(self._task.test)))
        with self._clocked(self._evaluation):
            accuracy_train = self._score(self._task.train).accuracy
            accuracy_robust = self._robust() if self._task.rho_a and settings.robust_images else None
        return Outcome(
            curve=tuple(curve),
            accuracy_train=accuracy_train,
            accuracy_robust=accuracy_robust,
            training=(self._training.seconds, self._training.passes),
            evaluation=(self._evaluation.seconds, self._evaluation.passes),
        )

    @contextmanager
    def _clocked(self, clock: "_Clock") -> Iterator[None]:
        before, start = self._frozen.passes, time.perf_counter()
        yield
        self._task.runtime.synchronise()
        clock.seconds += time.perf_counter() - start
        clock.passes += self._frozen.passes - before

    def _train(self, steps: int) -> float:
        """Make some steps; return the sum of their losses, which is finite only if each of them is."""
        task = self._task
        total = torch.zeros((), device=task.runtime.device)
        for _ in range(steps):
            index = next(self._batches)
            labels = task.train.labels[index]
            view = draw(task.augment, len(index), self._size, task.generator)
            images = view.apply(task.runtime.pixels(task.train.images[index]))
            if task.rho_a:
                self._frozen.refresh()
                images = ascend(
                    self._frozen,
                    images,
                    labels,
                    radius=task.rho_a,
                    steps=task.settings.attack,
                    generator=task.generator,
                )
            total += self._optimiser.step(images, labels)
            self._training.passes += Passes(train=len(index))
            self._done += 1
            task.report(self._done, task.settings.steps)
        self._frozen.refresh()
        return float(total)

    def _score(self, split: Images) -> Score:
        task = self._task
        return evaluate(self._frozen, split.images, split.labels, augment=task.augment, runtime=task.runtime)

    def _robust(self) -> float:
        task = self._task
        return robust_accuracy(
            self._frozen,
            task.test.images,
            task.test.labels,
            radius=task.rho_a,
            steps=task.settings.robust_attack,
            limit=task.settings.robust_images,
            augment=task.augment,
            runtime=task.runtime,
            generator=task.generator,
        )


@dataclass
class _Clock:
    seconds: float = 0.0
    passes: Passes = field(default_factory=Passes)
