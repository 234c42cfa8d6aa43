"""What a training recipe is: the stages in which a victim learns from the images that it is given."""

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
    """One drawn form in which the images of a batch are seen."""

    def apply(self, images: "Tensor") -> "Tensor":
        """Return the views (n, C, side, side) of images (n, C, H, W)."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Steps that one optimiser takes on one loss.

    Attributes:
        steps: how many.
        batch: images in a step.
        optimiser: its numbers.
        rate: step, from 0 -> its learning rate; absent, as its numbers and their milestones have it.
        largest_gradient: the norm that the gradient of all weights is clipped to, if there is one.
        parts: victim -> the modules of it that learn, the others stay as they are; absent, all of it learns.
        around: victim -> a module that holds it and what learns with it, e.g. a projection head; absent, the victim.
        views: random views of each image of a batch.
        loss: (module, images (views * n, C, H, W) in [0, 1], labels) -> the loss of a batch, where image i is seen at
            i, n + i, 2n + i, ...; absent, the cross-entropy of the logits, as the countermeasure has it.
        view: (the protocol's view, n images, their size (H, W), generator) -> what has `apply(images)`, in which form
            they are seen; absent, the protocol's random view.
        attacked: whether a victim with a radius learns from images that are attacked inside it.
        evaluated: whether the victim is measured on the way; it always is at the end of the last stage.
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
        """Return how often a countermeasure draws each view at a step, from 0; once where the stage has a loss."""
        return against.draws if step < self._early(against) else 1

    def all_draws(self, against: Countermeasure) -> int:
        """Return the sum of `draws` over all steps."""
        return self.steps + self._early(against) * (against.draws - 1)

    def _early(self, against: Countermeasure) -> int:
        return 0 if self.loss else round(against.early * self.steps)


@dataclass(frozen=True, kw_only=True)
class TrainingRecipe:
    """A named way to train a victim; the loop is in `victims.train`, and a recipe says what differs.

    Attributes:
        name: as in records.
        title: one line on the idea.
        source: paper or code that it is taken from.
        paper: where it was published; None where it was not.
        stages: (the protocol's numbers of victims) -> what is learnt, in order; `Own.of(settings)` gives the numbers of
            its own table.
        reads: the tables of a protocol whose numbers decide the result.
        pretrained: whether a victim has to start from weights.
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
        """Yield the steps, counted over all stages, after which a victim is measured on the clean test set."""
        every, done, stages = settings.evaluate_every, 0, self.stages(settings)
        for stage in stages:
            if stage.evaluated:
                yield from range(done + every, done + stage.steps, every)
            done += stage.steps
            if stage.evaluated or stage is stages[-1]:
                yield done

    def passes(
        self, settings: VictimSettings, against: Countermeasure, *, rho_a: float, images: int, tests: int
    ) -> Passes:
        """Count the image-passes of a training with its evaluations, without what a countermeasure prepares.

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
