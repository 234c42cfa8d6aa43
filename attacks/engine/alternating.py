"""Rounds: updates of a surrogate, then sign steps on the noise that is stored, in turn.

Where the rounds may end early, each ends with the surrogate's error on the noisy images. Noise is stored unrounded; the
surrogate learns from the plain sum of image and noise, and its error is that on the plain sum, as in the authors' code.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from attacks.core.settings import Augment, SignSteps
from attacks.core.state import State, nested, part
from attacks.engine.descent import parts
from attacks.engine.frozen import FeatureLoss
from attacks.engine.learner import Learner
from attacks.engine.stored import StoredNoise, every_noise
from attacks.engine.views import draw
from attacks.task import NoiseResult, Task


class Descend(Protocol):
    """Takes sign steps, as `attacks.engine.descent.descend` does."""

    def __call__(
        self,
        images: Tensor,
        delta: Tensor,
        gradient: Callable[[Tensor], Tensor],
        *,
        radius: float,
        steps: SignSteps,
    ) -> Tensor:
        """Return the noise after them."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the rounds consist of.

    Attributes:
        rounds: how many; the most, where they may end early.
        updates: surrogate steps of a round.
        descend: how the noise is moved.
        steps: the sign steps of each round on a batch of noise.
        loss: what they lower; absent, the cross-entropy.
        view: the random view of each image that the surrogate learns and the noise is made for; absent, the image.
        train_error: the share of wrong predictions on the noisy images under which the rounds end, if any does.
    """

    rounds: int
    updates: int
    descend: Descend
    steps: Callable[[int], SignSteps]
    loss: FeatureLoss | None = None
    view: Augment | None = None
    train_error: float | None = None


class Rounds:
    """One run of the rounds.

    Args:
        task: what the noise is made for.
        learner: the surrogate.
        plan: what they consist of.
        stored: the noise, as it is at the start.
    """

    def __init__(self, task: Task, learner: Learner, plan: Plan, stored: StoredNoise) -> None:
        self._task = task
        self._learner = learner
        self._plan = plan
        self._stored = stored
        self._order = stored.searched.clone()  # a state holds both
        self._done = 0  # updates and batches of sign steps, over all rounds
        self._fitted = False
        if state := task.keeper.restored():
            self._restore(state)

    def run(self) -> NoiseResult:
        """Make the noise.

        Raises:
            DivergedError: where the surrogate's loss stops being finite.
        """
        each = self._plan.updates + len(self._order.split(self._stored.batch))
        every = each * self._plan.rounds
        while self._done < every:
            self._step(*divmod(self._done, each))
            self._done += 1
            if self._done % each == 0 and self._fits():
                self._fitted, self._done = True, every
            self._task.report(self._done, every)
            self._task.keeper.offer(self._state)
        noise = every_noise(self._task, self._stored.of)
        self._learner.check()
        return self._learner.made(noise, exhausted=self._plan.train_error is not None and not self._fitted)

    def _step(self, number: int, place: int) -> None:
        """Make the step at a place of round `number`: an update, or the sign steps of one batch."""
        updates = self._plan.updates
        if place < updates:
            index = self._learner.draw()
            self._learner.learn(self._noisy(index), self._task.labels[index])
            return
        if place == updates:
            self._order = self._stored.order()
        self._descend(self._order.split(self._stored.batch)[place - updates], self._plan.steps(number))

    def _descend(self, index: Tensor, steps: SignSteps) -> None:
        twin, labels, loss = self._learner.twin(), self._task.labels[index], self._plan.loss
        found = self._plan.descend(
            self._seen(index),
            self._stored.of(index),
            lambda noisy: twin.feature_gradient(loss, noisy, labels) if loss else twin.gradient(noisy, labels),
            radius=self._task.settings.rho_u,
            steps=steps,
        )
        self._stored.put(index, found)

    def _seen(self, index: Tensor) -> Tensor:
        """Return some images, or a random view of each."""
        images = self._task.runtime.pixels(self._task.images[index])
        if self._plan.view is None:
            return images
        size = (images.shape[2], images.shape[3])
        return draw(self._plan.view, len(images), size, self._task.generator).apply(images)

    def _noisy(self, index: Tensor) -> Tensor:
        return self._seen(index) + self._stored.of(index)

    def _fits(self) -> bool:
        return self._plan.train_error is not None and self._error() < self._plan.train_error

    def _error(self) -> float:
        """Return the share of the searched images that the surrogate gets wrong when they carry their noise."""
        self._learner.check()
        task, twin, searched = self._task, self._learner.twin(), self._stored.searched
        wrong = torch.zeros((), dtype=torch.int64, device=task.images.device)
        for number in parts(searched):
            index = searched[number]
            wrong += (twin.logits(self._noisy(index)).argmax(1) != task.labels[index]).sum()
        return int(wrong) / len(searched)

    def _state(self) -> State:
        return {
            **nested("learner", self._learner.state()),
            **nested("stored", self._stored.state()),
            "order": self._order,
            "progress": torch.tensor([self._done, self._fitted]),
        }

    def _restore(self, state: State) -> None:
        self._learner.restore(part("learner", state))
        self._stored.restore(part("stored", state))
        self._order = state["order"].to(self._order.device)
        self._done, fitted = state["progress"].tolist()
        self._fitted = bool(fitted)
