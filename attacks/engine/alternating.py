"""The original EM's rounds: updates of a surrogate, then sign steps on the noise that is stored, in turn.

A round ends with the surrogate's error on the noisy images, and the rounds end where that is small enough or their
number runs out. Noise is stored unrounded; the surrogate learns from the plain sum of image and noise, and its error is
that on the plain sum, as in the released code.
"""

from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from attacks.core.state import State, nested, part
from attacks.engine.descent import descend, parts, rounded
from attacks.engine.learner import Learner
from attacks.engine.stored import ClassNoise, ImageNoise, StoredNoise
from attacks.task import NoiseResult, Task

# the norm that the gradient of the surrogate's weights is clipped to, in the released configurations
LARGEST_GRADIENT = 5.0


class Rounds:
    """One run of the rounds on `task`.

    Args:
        task: what the noise is made for.
        updates: surrogate steps of a round.
        searched: how many images class-wise noise is made on; None for a noise of each image's own.
    """

    def __init__(self, task: Task, *, updates: int, searched: int | None) -> None:
        self._task = task
        self._settings = given = task.settings.alternating
        self._updates = updates
        sgd = (given.sgd or task.settings.sgd).model_copy(update={"milestones": ()})
        network = partial(task.network, **given.model_dump(include={"stem", "mean"}))  # those of them that are set
        self._learner = Learner(replace(task, network=network), sgd, given.batch, largest_gradient=LARGEST_GRADIENT)
        self._stored: StoredNoise = ImageNoise(task, given.descent) if searched is None else ClassNoise(task, searched)
        self._order = self._stored.searched.clone()  # a state holds both
        self._done = 0  # updates and batches of sign steps, over all rounds
        self._fitted = False
        if state := task.keeper.restored():
            self._restore(state)

    def run(self) -> NoiseResult:
        """Make the noise.

        Raises:
            DivergedError: where the surrogate's loss stops being finite.
        """
        each = self._updates + len(self._order.split(self._stored.batch))
        every = each * self._settings.rounds
        while self._done < every:
            self._step(self._done % each)
            self._done += 1
            if self._done % each == 0 and self._error() < self._settings.train_error:
                self._fitted, self._done = True, every
            self._task.report(self._done, every)
            self._task.keeper.offer(self._state)
        noise = torch.cat([rounded(self._stored.of(index)).to(torch.int8) for index in parts(self._task.images)])
        return self._learner.made(noise, exhausted=not self._fitted)

    def _step(self, number: int) -> None:
        """Make step `number` of a round: an update, or the sign steps of one batch."""
        if number < self._updates:
            index = self._learner.draw()
            self._learner.learn(self._noisy(index), self._task.labels[index])
            return
        if number == self._updates:
            self._order = self._stored.order()
        self._descend(self._order.split(self._stored.batch)[number - self._updates])

    def _descend(self, index: Tensor) -> None:
        task, twin, labels = self._task, self._learner.twin(), self._task.labels[index]
        found = descend(
            task.runtime.pixels(task.images[index]),
            self._stored.of(index),
            lambda noisy: twin.gradient(noisy, labels),
            radius=task.settings.rho_u,
            steps=self._stored.steps,
            in_range=True,
        )
        self._stored.put(index, found)

    def _noisy(self, index: Tensor) -> Tensor:
        return self._task.runtime.pixels(self._task.images[index]) + self._stored.of(index)

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
