"""Train a victim on protected images by a recipe, and evaluate it on clean test images."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor, nn
from torch.nn import functional

from attacks.core.batches import Batches
from attacks.core.cost import Passes
from attacks.core.optimiser import DivergedError, Optimiser
from attacks.core.runtime import Runtime
from attacks.core.settings import Augment
from attacks.core.state import Keeper, State, nested, part
from attacks.engine.frozen import FrozenNetwork
from attacks.engine.pgd import ascend
from attacks.engine.views import centre, draw
from victims.clock import Clock
from victims.countermeasures.spec import Countermeasure
from victims.evaluate import Evaluation, evaluate, robust_accuracy
from victims.recipes.spec import TrainingRecipe
from victims.settings import VictimSettings


@dataclass(frozen=True, kw_only=True)
class LabelledImages:
    """Images uint8 (N, C, H, W) and labels int64 (N,), on the runtime's device."""

    images: Tensor
    labels: Tensor


@dataclass(frozen=True, kw_only=True)
class Training:
    """One victim to train.

    Attributes:
        network: freshly initialised, including its normalisation.
        train: the protected training images, as prepared by the countermeasure.
        test: the clean test images, likewise.
        classes: how many classes there are.
        rho_a: radius of adversarial training in 1/255; 0 is standard training.
        recipe: how the victim is trained.
        countermeasure: what is done against the noise in each batch.
        settings, augment: the protocol's numbers.
        generator: the source of every random draw.
        runtime: device, precision, chunk size.
        report: called after each step with (work done, total work), evaluations included.
        keeper: keeps the state of the training in case of interruption.
    """

    network: nn.Module
    train: LabelledImages
    test: LabelledImages
    classes: int
    rho_a: float
    recipe: TrainingRecipe
    countermeasure: Countermeasure
    settings: VictimSettings
    augment: Augment
    generator: torch.Generator
    runtime: Runtime
    report: Callable[[float, float], None]
    keeper: Keeper


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The result of a training: accuracies in percent, seconds and image-passes of training and of evaluation.

    `eager` states in one line why CUDA graphs could not be used on a GPU; None if there was no such problem.
    """

    curve: tuple[tuple[int, Evaluation], ...]
    accuracy_train: float
    accuracy_robust: float | None
    training: tuple[float, Passes]
    evaluation: tuple[float, Passes]
    eager: str | None = None


def train(task: Training) -> Outcome:
    """Train a victim to the end and evaluate it.

    Raises:
        DivergedError: if the training or test loss stops being finite.
    """
    return _Run(task).run()


class _Run:
    def __init__(self, task: Training) -> None:
        self._task = task
        self._network = task.runtime.place(task.network)
        self._learnable = [weight for weight in self._network.parameters() if weight.requires_grad]
        example = centre(task.runtime.pixels(task.train.images[:2]), task.augment)
        self._frozen = FrozenNetwork(self._network, example, task.runtime)
        self._stages = task.recipe.stages(task.settings)
        self._ends = tuple(accumulate(stage.steps for stage in self._stages))
        self._work = task.recipe.passes(
            task.settings,
            task.countermeasure,
            rho_a=task.rho_a,
            images=len(task.train.images),
            tests=len(task.test.images),
        ).work
        self._size = (task.train.images.shape[2], task.train.images.shape[3])
        self._done = 0
        self._loss = torch.zeros((), device=task.runtime.device)
        self._curve: list[tuple[int, Evaluation]] = []
        self._captured = 0.0  # seconds spent on CUDA graphs in earlier stages
        self._eager: str | None = None
        self._training = Clock(self._frozen, self._warm_up, task.runtime)
        self._evaluation = Clock(self._frozen, self._warm_up, task.runtime)
        self._begin(0)
        if state := task.keeper.restored():
            self._restore(state)

    def _begin(self, number: int) -> None:
        """Begin a stage with a new optimiser, new batches and its own extra modules."""
        task, self._number = self._task, number
        self._stage = stage = self._stages[number]
        for weight in self._learnable:
            weight.requires_grad = True
        self._module = task.runtime.place(stage.around(self._network)) if stage.around else self._network
        parts = stage.parts(self._network) if stage.parts else None
        self._optimiser = Optimiser(
            self._module,
            stage.optimiser,
            task.runtime,
            largest_gradient=stage.largest_gradient,
            parts=parts,
            rate=stage.rate,
            loss=self._loss_of,
        )
        self._batches = Batches(len(task.train.images), stage.batch, task.generator)

    def run(self) -> Outcome:
        for end in self._task.recipe.evaluations(self._task.settings):
            if end <= self._done:
                continue
            with self._training.running():
                self._train_until(end)
            if not math.isfinite(self._loss):
                raise DivergedError(f"training diverged: the loss is {self._loss} within {self._done} steps")
            with self._evaluation.running():
                self._curve.append((self._done, self._score(self._task.test)))
            if not math.isfinite(self._curve[-1][1].loss):  # the last update may be the one that diverges
                raise DivergedError(f"training diverged: the test loss is not finite after {self._done} steps")
        with self._evaluation.running():
            accuracy_train = self._score(self._task.train).accuracy
            accuracy_robust = self._robust() if self._task.rho_a and self._task.settings.robust_images else None
        return Outcome(
            curve=tuple(self._curve),
            accuracy_train=accuracy_train,
            accuracy_robust=accuracy_robust,
            training=self._training.read(),
            evaluation=self._evaluation.read(),
            eager=self._frozen.eager or self._eager or self._optimiser.eager,
        )

    def _train_until(self, end: int) -> None:
        task = self._task
        while self._done < end:
            task.keeper.offer(self._state)
            if self._done == self._ends[self._number]:
                self._captured += self._optimiser.warm_up
                self._eager = self._eager or self._optimiser.eager
                self._begin(self._number + 1)
            index = self._batches.draw()
            images, labels = self._batch(index)
            if task.rho_a and self._stage.attacked:
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
            self._training.add(self._stage.cost * len(images))
            self._done += 1
            task.report((self._training.passes + self._evaluation.passes).work, self._work)
        self._frozen.refresh()

    def _batch(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Return a training batch: views (n, C, H, W) of the images, and labels (n,) or probabilities (n, classes)."""
        task, stage, against = self._task, self._stage, self._task.countermeasure
        index = _repeated(index, stage.views)
        images = task.runtime.pixels(task.train.images[index])
        images = (stage.view or draw)(task.augment, len(index), self._size, task.generator).apply(images)
        draws = self._draws
        images, labels = _repeated(images, draws), _repeated(task.train.labels[index], draws)
        if against.augment:
            images = against.augment(images, task.generator)
        if against.mix and stage.views == 1:
            return against.mix(images, labels, task.classes, task.generator)
        return images, labels

    def _loss_of(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of a batch, as defined by the stage or else by the countermeasure."""
        if self._stage.loss:
            return self._stage.loss(self._module, images, labels)
        logits = self._module(images).to(images.dtype)
        reduce = self._task.countermeasure.loss
        if reduce is None:
            return functional.cross_entropy(logits, labels)
        losses = functional.cross_entropy(logits, labels, reduction="none")
        return reduce(losses.view(self._draws, -1)).mean()

    def _warm_up(self) -> float:
        """Return the seconds spent so far on capturing CUDA graphs."""
        return self._captured + self._frozen.warm_up + self._optimiser.warm_up

    @property
    def _draws(self) -> int:
        """How many times the countermeasure draws each view at this step."""
        begun = self._ends[self._number] - self._stage.steps
        return self._stage.draws(self._task.countermeasure, self._done - begun)

    def _state(self) -> State:
        clocks = [clock.read() for clock in (self._training, self._evaluation)]
        return {
            **nested("optimiser", self._optimiser.state()),
            **nested("batches", self._batches.state()),
            "generator": self._task.generator.get_state(),
            "stage": torch.tensor(self._number),
            "done": torch.tensor(self._done),
            "loss": self._loss,
            "curve": torch.tensor(
                [[step, score.accuracy, score.loss] for step, score in self._curve], dtype=torch.float64
            ),
            "seconds": torch.tensor([seconds for seconds, _ in clocks], dtype=torch.float64),
            "passes": torch.tensor([[passes.attack, passes.train, passes.forward] for _, passes in clocks]),
        }

    def _restore(self, state: State) -> None:
        if number := int(state["stage"]):
            with torch.random.fork_rng(devices=_gpus(self._task.runtime)):
                self._begin(number)  # its new modules were initialised before the state was taken
        self._optimiser.restore(part("optimiser", state))
        self._frozen.refresh()
        self._batches.restore(part("batches", state))
        self._task.generator.set_state(state["generator"])
        self._done = int(state["done"])
        self._loss.copy_(state["loss"])
        self._curve = [(int(step), Evaluation(accuracy, loss)) for step, accuracy, loss in state["curve"].tolist()]
        counted = zip(state["seconds"].tolist(), state["passes"].tolist(), strict=True)
        self._training, self._evaluation = (
            Clock(
                self._frozen,
                self._warm_up,
                self._task.runtime,
                seconds,
                Passes(attack=attack, train=train, forward=forward),
            )
            for seconds, (attack, train, forward) in counted
        )

    def _score(self, split: LabelledImages) -> Evaluation:
        task = self._task
        return evaluate(self._frozen, split.images, split.labels, augment=task.augment, runtime=task.runtime)

    def _robust(self) -> float:
        task = self._task
        return robust_accuracy(
            self._frozen,
            self._task.test.images,
            self._task.test.labels,
            radius=task.rho_a,
            steps=task.settings.robust_attack,
            limit=task.settings.robust_images,
            augment=task.augment,
            runtime=task.runtime,
            generator=task.generator,
        )


def _repeated(rows: Tensor, times: int) -> Tensor:
    """Return `times` copies of a batch, one after the other."""
    return rows if times == 1 else torch.cat([rows] * times)


def _gpus(runtime: Runtime) -> list[torch.device]:
    return [runtime.device] if runtime.device.type == "cuda" else []
