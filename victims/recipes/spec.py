"""What a training recipe is: the stages in which a victim learns from its images."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

from attacks.core.cost import Passes
from attacks.core.settings import Augment, OptimiserSettings, Reads
from attacks.spec import Paper
from victims.countermeasures.spec import Countermeasure
from victims.settings import VictimSettings

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


class TrainingView(Protocol):
    """One drawn view of each image in a batch."""

    def apply(self, images: "Tensor") -> "Tensor":
        """Return the views (n, C, side, side) of images (n, C, H, W)."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Training steps with one optimiser and one loss.

    Attributes:
        steps: how many.
        batch: images per step.
        optimiser: its numbers.
        rate: step, from 0 -> its learning rate; None: the rate and milestones in `optimiser`.
        largest_gradient: the norm that the gradient of all weights is clipped to, if any.
        parts: victim -> its modules that learn, the others being frozen; None: all of it.
        around: victim -> a module with the victim and what learns with it, e.g. a projection head; None: the victim.
        views: number of random views of each image in a batch.
        loss: (module, images (views * n, C, H, W) in [0, 1], labels) -> the loss of a batch, in which the views of
            image i are at i, n + i, 2n + i, ...; None: cross-entropy of the logits, reduced as the countermeasure does.
            Labels are int64 (views * n,), or probabilities (n, classes) if the countermeasure mixes images of one view.
            As GPUs replay it as a CUDA graph, it may read only its arguments and tensors that are changed in place.
        view: (the protocol's view, n images, their size (H, W), generator) -> the views drawn for the images; None: the
            protocol's random view.
        attacked: whether a victim with a radius above 0 learns from images attacked within it.
        evaluated: whether the victim is evaluated during this stage; it always is at the end of the last stage.
        cost: image-passes of one view in one step.
    """

    steps: int
    batch: int
    optimiser: OptimiserSettings
    rate: Callable[[int], float] | None = None
    largest_gradient: float | None = None
    parts: "Callable[[nn.Module], Iterable[nn.Module]] | None" = None
    around: "Callable[[nn.Module], nn.Module] | None" = None
    views: int = 1
    loss: "Callable[[nn.Module, Tensor, Tensor], Tensor] | None" = None
    view: "Callable[[Augment, int, tuple[int, int], torch.Generator], TrainingView] | None" = None
    attacked: bool = True
    evaluated: bool = True
    cost: Passes = field(default_factory=partial(Passes, train=1))

    def draws(self, against: Countermeasure, step: int) -> int:
        """Return how often a countermeasure draws each view at a step, from 0; once if the stage has its own loss."""
        return against.draws if step < self._early(against) else 1

    def all_draws(self, against: Countermeasure) -> int:
        """Return the sum of `draws` over all steps."""
        return self.steps + self._early(against) * (against.draws - 1)

    def _early(self, against: Countermeasure) -> int:
        return 0 if self.loss else round(against.early * self.steps)


@dataclass(frozen=True, kw_only=True)
class TrainingRecipe:
    """A named way to train a victim; the loop is in `victims.train`, and a recipe states what differs.

    Attributes:
        name: as in records.
        title: the idea in one line.
        source: the paper or code it is taken from.
        paper: where it was published; None if it was not.
        stages: (the protocol's numbers of victims) -> the stages, in order; `Own.of(settings)` gives the numbers of the
            recipe's own table.
        reads: the tables of a protocol whose numbers decide the result.
        pretrained: whether the victim has to start from pretrained weights.
        version: raised when a correction of networks, training or evaluation changes accuracies.
    """

    name: str
    title: str
    source: str
    stages: Callable[[VictimSettings], tuple[Stage, ...]]
    reads: Reads = ("network", "augment", "victim")
    pretrained: bool = False
    paper: Paper | None = None
    version: int = 1

    @property
    def identity(self) -> str:
        """Its name and version, for a cell's key."""
        return f"{self.name}/{self.version}"

    def evaluations(self, settings: VictimSettings) -> Iterator[int]:
        """Yield the steps, counted over all stages, after which a victim is evaluated on the clean test set."""
        every, done, stages = settings.evaluate_every, 0, self.stages(settings)
        for stage in stages:
            if stage.evaluated:
                yield from range(done + every, done + stage.steps, every)
            done += stage.steps
            if stage.evaluated or stage is stages[-1]:
                yield done

    def check(self, settings: VictimSettings, victim: "nn.Module") -> None:
        """Check that a victim has the parts that each stage trains or builds upon.

        Args:
            settings: the protocol's numbers of victims.
            victim: the victim; its weights need not hold numbers.

        Raises:
            RequestError: if it lacks some.
        """
        import torch

        for stage in self.stages(settings):
            if stage.parts:
                stage.parts(victim)
            if stage.around:
                with torch.random.fork_rng(devices=[]):
                    stage.around(victim)

    def passes(
        self, settings: VictimSettings, against: Countermeasure, *, rho_a: float, images: int, tests: int
    ) -> Passes:
        """Return the image-passes of a training and its evaluations, without those of a countermeasure's preparation.

        Args:
            settings: the protocol's numbers of victims.
            against: the countermeasure.
            rho_a: the radius of adversarial training.
            images, tests: numbers of training and test images.
        """
        robust = min(settings.robust_images, tests) if rho_a else 0
        total = Passes(
            attack=robust * settings.robust_attack.steps,
            forward=self._count_evaluations(settings) * tests + images + robust,
        )
        for stage in self.stages(settings):
            seen = stage.all_draws(against) * min(stage.batch, images) * stage.views
            attack = settings.attack.steps if rho_a and stage.attacked else 0
            total += stage.cost * seen + Passes(attack=seen * attack)
        return total

    def _count_evaluations(self, settings: VictimSettings) -> int:
        stages = self.stages(settings)
        counts = [math.ceil(stage.steps / settings.evaluate_every) for stage in stages if stage.evaluated]
        return sum(counts) + (not stages[-1].evaluated)
