"""Train a victim on protected images, by standard or adversarial training, and measure it on clean test images."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from attacks.batches import Batches
from attacks.cost import Passes
from attacks.frozen import FrozenNetwork
from attacks.optimiser import DivergedError, Optimiser
from attacks.pgd import ascend
from attacks.runtime import Runtime
from attacks.settings import Augment
from attacks.state import Keeper, State, nested, part
from attacks.views import centre, draw
from victims.clock import Clock
from victims.countermeasures.spec import Countermeasure
from victims.evaluate import Score, evaluate, robust_accuracy
from victims.settings import VictimSettings


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
        classes: how many classes there are.
        rho_a: radius of adversarial training in 1/255; 0 is standard training.
        countermeasure: what is done against the noise.
        settings, augment: the protocol's numbers.
        generator: every random draw comes from it.
        runtime: device, precision, chunk size.
        report: called with (steps done, all steps).
        keeper: keeps the state of the training in case it is cut off.
    """

    network: nn.Module
    train: Images
    test: Images
    classes: int
    rho_a: float
    countermeasure: Countermeasure
    settings: VictimSettings
    augment: Augment
    generator: torch.Generator
    runtime: Runtime
    report: Callable[[int, int], None]
    keeper: Keeper


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of it: accuracies in percent, seconds and image-passes of training and of evaluation.

    `eager` says why CUDA graphs were not used on a GPU, in one line; None where nothing was wrong with them.
    """

    curve: tuple[tuple[int, Score], ...]
    accuracy_train: float
    accuracy_robust: float | None
    training: tuple[float, Passes]
    evaluation: tuple[float, Passes]
    eager: str | None = None


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
        self._batches = Batches(len(task.train.images), task.settings.batch, task.generator)
        self._size = (task.train.images.shape[2], task.train.images.shape[3])
        self._done = 0
        self._loss = torch.zeros((), device=task.runtime.device)
        self._curve: list[tuple[int, Score]] = []
        self._training = Clock(self._frozen, task.runtime)
        self._evaluation = Clock(self._frozen, task.runtime)
        with self._training.running():
            self._train, self._test = _prepared(task)
        if state := task.keeper.restored():
            self._restore(state)

    def run(self) -> Outcome:
        settings = self._task.settings
        while self._done < settings.steps:
            evaluations = self._done // settings.evaluate_every
            with self._training.running():
                self._train_until(min((evaluations + 1) * settings.evaluate_every, settings.steps))
            if not math.isfinite(self._loss):
                raise DivergedError(f"training diverged: the loss is {self._loss} within {self._done} steps")
            with self._evaluation.running():
                self._curve.append((self._done, self._score(self._test)))
            if not math.isfinite(self._curve[-1][1].loss):  # the last update may be the one that goes too far
                raise DivergedError(f"training diverged: the test loss is not finite after {self._done} steps")
        with self._evaluation.running():
            accuracy_train = self._score(self._train).accuracy
            accuracy_robust = self._robust() if self._task.rho_a and settings.robust_images else None
        return Outcome(
            curve=tuple(self._curve),
            accuracy_train=accuracy_train,
            accuracy_robust=accuracy_robust,
            training=self._training.read(),
            evaluation=self._evaluation.read(),
            eager=self._frozen.eager,
        )

    def _train_until(self, end: int) -> None:
        task = self._task
        while self._done < end:
            task.keeper.offer(self._state)
            index = self._batches.draw()
            images, labels = self._batch(index)
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
            self._loss += self._optimiser.step(images, labels)  # finite only if every step's is
            self._training.add(Passes(train=len(index)))
            self._done += 1
            task.report(self._done, task.settings.steps)
        self._frozen.refresh()

    def _batch(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Return what is learnt of some images: views (n, C, H, W), and labels (n,) or probabilities (n, classes)."""
        task, against = self._task, self._task.countermeasure
        view = draw(task.augment, len(index), self._size, task.generator)
        images, labels = view.apply(task.runtime.pixels(self._train.images[index])), self._train.labels[index]
        if against.augment:
            images = against.augment(images, task.generator)
        if against.mix:
            return against.mix(images, labels, task.classes, task.generator)
        return images, labels

    def _state(self) -> State:
        clocks = [clock.read() for clock in (self._training, self._evaluation)]
        return {
            **nested("optimiser", self._optimiser.state()),
            **nested("batches", self._batches.state()),
            "generator": self._task.generator.get_state(),
            "done": torch.tensor(self._done),
            "loss": self._loss,
            "curve": torch.tensor(
                [[step, score.accuracy, score.loss] for step, score in self._curve], dtype=torch.float64
            ),
            "seconds": torch.tensor([seconds for seconds, _ in clocks], dtype=torch.float64),
            "passes": torch.tensor([[passes.attack, passes.train, passes.forward] for _, passes in clocks]),
        }

    def _restore(self, state: State) -> None:
        self._optimiser.restore(part("optimiser", state))
        self._frozen.refresh()
        self._batches.restore(part("batches", state))
        self._task.generator.set_state(state["generator"])
        self._done = int(state["done"])
        self._loss.copy_(state["loss"])
        self._curve = [(int(step), Score(accuracy, loss)) for step, accuracy, loss in state["curve"].tolist()]
        again = [clock.read()[0] for clock in (self._training, self._evaluation)]  # preparing the images once more
        counted = zip(again, state["seconds"].tolist(), state["passes"].tolist(), strict=True)
        self._training, self._evaluation = (
            Clock(self._frozen, self._task.runtime, now + before, Passes(attack=attack, train=train, forward=forward))
            for now, before, (attack, train, forward) in counted
        )

    def _score(self, split: Images) -> Score:
        task = self._task
        return evaluate(self._frozen, split.images, split.labels, augment=task.augment, runtime=task.runtime)

    def _robust(self) -> float:
        task = self._task
        return robust_accuracy(
            self._frozen,
            self._test.images,
            self._test.labels,
            radius=task.rho_a,
            steps=task.settings.robust_attack,
            limit=task.settings.robust_images,
            augment=task.augment,
            runtime=task.runtime,
            generator=task.generator,
        )


def _prepared(task: Training) -> tuple[Images, Images]:
    """Return the training and test images as the countermeasure prepares them."""
    prepare = task.countermeasure.prepare
    if prepare is None:
        return task.train, task.test

    def prepared(split: Images) -> Images:
        return replace(split, images=prepare(split.images, split.labels))

    return prepared(task.train), prepared(task.test) if task.countermeasure.on_test else task.test
