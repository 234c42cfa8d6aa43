"""The surrogate loop: EM, REM and SEM are three settings of this recipe."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from attacks.core.cost import Passes
from attacks.core.settings import NoiseSettings, OwnTable, Reads
from attacks.spec import Recipe
from attacks.task import NoiseResult, Task

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from attacks.engine.frozen import FrozenNetwork
    from attacks.engine.surrogate import Loop


@dataclass(frozen=True, kw_only=True)
class Disturb:
    """How each view is perturbed before the noise's gradient is taken there.

    Attributes:
        apply: (network, views (n, C, H, W), labels, settings, generator) -> views.
        passes: settings -> image-passes per view.
    """

    apply: "Callable[[FrozenNetwork, Tensor, Tensor, NoiseSettings, torch.Generator], Tensor]"
    passes: Callable[[NoiseSettings], int] = lambda _settings: 0


@dataclass(frozen=True, kw_only=True)
class CleanLoss:
    """A loss of the surrogate on clean images.

    Attributes:
        table: the table of its hyperparameters.
        of: (logits (n, classes) of a random view of each clean image of the batch, numbers) -> a loss, a scalar.
    """

    table: type[OwnTable]
    of: "Callable[[Tensor, Any], Tensor]"

    def at(self, settings: NoiseSettings) -> "Callable[[Tensor], Tensor]":
        """Return the loss with the hyperparameters of a protocol."""
        numbers = self.table.of(settings)
        return lambda logits: self.of(logits, numbers)


@dataclass(frozen=True, kw_only=True)
class SurrogateLoop(Recipe):
    """A surrogate network and noise that lowers its loss, updated in turn (the scheme of EM, REM and SEM).

    Attributes:
        views: sum the noise's gradient over J random views; otherwise take it at the image itself.
        disturb: how each view is perturbed; None: not at all.
        robust_update: train the surrogate on attacked random views of the noisy images, not on the images themselves.
        augment_batch: draw one random view of each image first and make its noise for that view.
        in_range: keep the noisy image in [0, 1] after each sign step, store the noise as float16 and train the
            surrogate on it unrounded, as in the released EM generator; otherwise a pixel that the noise pushes out of
            [0, 1] gets zero gradient, and the surrogate is trained on the rounded noise (released REM and SEM).
        clean_loss: a loss added to the surrogate's in each update, if any.
    """

    has_steps: ClassVar[bool] = True

    views: bool
    disturb: Disturb | None = None
    robust_update: bool
    augment_batch: bool = False
    in_range: bool = False
    clean_loss: CleanLoss | None = None

    @property
    def reads(self) -> Reads:
        """The tables that decide the noise."""
        return ("network", "augment", "noise", *([self.clean_loss.table] if self.clean_loss else []))

    def make(self, task: Task) -> NoiseResult:
        """Run the loop."""
        return self.loop(task).run()

    def loop(self, task: Task) -> "Loop":
        """Return the loop for a task, before its first step."""
        from attacks.engine.surrogate import Loop

        return Loop(
            task,
            views=self.views,
            disturb=self.disturb.apply if self.disturb else None,
            robust_update=self.robust_update,
            augment_batch=self.augment_batch,
            in_range=self.in_range,
            clean_loss=self.clean_loss.at(task.settings) if self.clean_loss else None,
        )

    def passes(self, settings: NoiseSettings, images: int) -> Passes:
        """Return the image-passes of M steps (noise, attack and update of a batch) and of the final noise step."""
        batch = min(settings.batch, images)
        views = settings.views if self.views else 1
        inner = self.disturb.passes(settings) if self.disturb else 0
        noise = settings.descent.steps * views * (1 + inner)
        update = settings.ascent.steps if self.robust_update and settings.rho_a else 0
        seen = 2 if self.clean_loss else 1
        return Passes(
            attack=settings.steps * batch * (noise + update) + images * noise, train=settings.steps * batch * seen
        )
