"""Rounds: updates of a surrogate alternate with sign steps on stored noise.

If the rounds may end early, the surrogate's error on the noisy images is measured after each. Noise is stored
unrounded; the surrogate is trained and evaluated on the unclipped sum of image and noise, as in the authors' code.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from attacks.core.state import State, nested, part
from attacks.engine import descent
from attacks.engine.frozen import FeatureLoss
from attacks.engine.learner import Learner
from attacks.engine.stored import StoredNoise, every_noise
from attacks.engine.views import Same, View
from attacks.task import NoiseResult, Task, at_once

Draw = Callable[[int], View]
Gradient = Callable[[Tensor], Tensor]
Move = Callable[[int, Tensor, Tensor, Gradient], None]
"""Takes the sign steps of a round on the stored noise of a batch.

Its arguments are the number of the round, counted from 0; the indices (n,) of the batch; its images (n, C, H, W) in
[0, 1]; and a function that returns the gradient at noisy images.
"""


@dataclass(frozen=True, kw_only=True)
class RoundPlan:
    """What the rounds consist of.

    Attributes:
        rounds: number of rounds; the maximum, if they may end early.
        updates: surrogate steps per round.
        move: takes the sign steps.
        loss: the loss that the sign steps lower; None: the cross-entropy.
        before, after: count -> random views of that many images, applied before the noise is added and, for the
            surrogate, after it; by default the images themselves.
        train_error: the error rate on the noisy images below which the rounds end; None: they never end early.
    """

    rounds: int
    updates: int
    move: Move
    loss: FeatureLoss | None = None
    before: Draw = lambda _count: Same()
    after: Draw = lambda _count: Same()
    train_error: float | None = None


class Rounds:
    """One run of the rounds.

    Args:
        task: what the noise is made for.
        learner: the surrogate.
        plan: what the rounds consist of.
        stored: the initial noise.
    """

    def __init__(self, task: Task, learner: Learner, plan: RoundPlan, stored: StoredNoise) -> None:
        self._task = task
        self._learner = learner
        self._plan = plan
        self._stored = stored
        self._order = stored.searched
        self._done = 0  # updates and batches of sign steps, over all rounds
        self._fitted = False
        if state := task.keeper.restored():
            self._restore(state)

    def run(self) -> NoiseResult:
        """Make the noise.

        Raises:
            DivergedError: if the surrogate's loss stops being finite.
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
        """Make step `place` of round `number`: an update, or the sign steps of one batch."""
        updates = self._plan.updates
        if place < updates:
            index = self._learner.draw()
            noisy = self._noisy(index)
            self._learner.learn(self._plan.after(len(index)).apply(noisy), self._task.labels[index])
            return
        if place == updates:
            self._order = self._stored.order()
        self._move(number, self._order.split(self._stored.batch)[place - updates])

    def _move(self, number: int, index: Tensor) -> None:
        twin, labels, loss = self._learner.twin(), self._task.labels[index], self._plan.loss

        def gradient(noisy: Tensor) -> Tensor:
            view = self._plan.after(len(noisy))
            seen = view.apply(noisy)
            return view.adjoint(twin.feature_gradient(loss, seen, labels) if loss else twin.gradient(seen, labels))

        self._plan.move(number, index, self._seen(index), gradient)

    def _seen(self, index: Tensor) -> Tensor:
        """Return the images at `index`, or a random view of each."""
        return self._plan.before(len(index)).apply(self._task.pixels(index))

    def _noisy(self, index: Tensor) -> Tensor:
        return self._seen(index) + self._stored.of(index)

    def _fits(self) -> bool:
        return self._plan.train_error is not None and self._error() < self._plan.train_error

    def _error(self) -> float:
        """Return the surrogate's error rate on the searched images with their noise."""
        self._learner.check()
        task, twin, searched = self._task, self._learner.twin(), self._stored.searched
        wrong = torch.zeros((), dtype=torch.int64, device=task.images.device)
        for index in searched.split(at_once(task.images, descent.FINAL_BATCH)):
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
