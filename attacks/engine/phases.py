"""Noise in phases: a network is trained for some steps, then the noise of all images is made with it.

Between the two there may be a search; its result, and anything else needed later, is kept as state.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from attacks.core.state import State, nested, part
from attacks.engine.descent import parts
from attacks.engine.learner import Learner
from attacks.task import NoiseResult, Task


class PhaseState(Protocol):
    """What a method keeps from phase to phase."""

    def state(self) -> State:
        """Return the state."""

    def restore(self, state: State) -> None:
        """Resume from a state."""


class NoState:
    """The state of a method that keeps nothing."""

    def state(self) -> State:
        """Return an empty state."""
        return {}

    def restore(self, state: State) -> None:
        """Do nothing."""


@dataclass(frozen=True, kw_only=True)
class Search:
    """The work between training and noise, in pieces.

    Attributes:
        pieces: number of pieces.
        piece: does the piece with a given number, and stores its result in the kept state.
    """

    pieces: int = 0
    piece: Callable[[int], None] = lambda _number: None


NOTHING = Search()
NO_STATE = NoState()


class Phases:
    """One run of all phases.

    Args:
        task: what the noise is made for.
        learner: the network and its training.
        steps: training steps.
        step: trains on the images at a batch of indices.
        noise: returns the noise of the images at given indices, rounded, in units of 1/255.
        search: the work in between.
        kept: the state that steps and search leave for later.
        dtype: dtype of the noise.
    """

    def __init__(
        self,
        task: Task,
        learner: Learner,
        *,
        steps: int,
        step: Callable[[Tensor], None],
        noise: Callable[[Tensor], Tensor],
        search: Search = NOTHING,
        kept: PhaseState = NO_STATE,
        dtype: torch.dtype = torch.int8,
    ) -> None:
        self._task = task
        self._learner = learner
        self._steps = steps
        self._step = step
        self._noise = noise
        self._search = search
        self._kept = kept
        self._learnt = 0
        self._found = 0
        self._noised = 0
        self._made = torch.empty(0, dtype=dtype)
        if state := task.keeper.restored():
            self._restore(state)

    def run(self) -> NoiseResult:
        """Make the noise.

        Raises:
            DivergedError: if the network's loss stops being finite.
        """
        task, final = self._task, parts(self._task.images)
        before = self._steps + self._search.pieces
        while self._learnt < self._steps:
            self._step(self._learner.draw())
            self._learnt += 1
            self._done(self._learnt, before + len(final))
        self._learner.check()
        while self._found < self._search.pieces:
            self._search.piece(self._found)
            self._found += 1
            self._done(self._steps + self._found, before + len(final))
        if self._noised == 0:
            self._made = task.runtime.empty(task.images.shape, self._made.dtype)
        for index in final[self._noised :]:
            self._made[index] = self._noise(index).to(self._made.dtype)
            self._noised += 1
            self._done(before + self._noised, before + len(final))
        return self._learner.made(self._made)

    def _done(self, done: int, every: int) -> None:
        if of := self._task.passes.work:  # the noise of a batch can cost as much as a hundred training steps
            self._task.report(self._learner.passes.work, of)
        else:
            self._task.report(done, every)
        self._task.keeper.offer(self._state)

    def _state(self) -> State:
        return {
            **nested("learner", self._learner.state()),
            **nested("memory", self._kept.state()),
            "progress": torch.tensor([self._learnt, self._found, self._noised]),
            "noise": self._made,
        }

    def _restore(self, state: State) -> None:
        self._learner.restore(part("learner", state))
        self._kept.restore(part("memory", state))
        self._learnt, self._found, self._noised = state["progress"].tolist()
        kept = state["noise"]
        self._made = self._task.runtime.empty(kept.shape, kept.dtype).copy_(kept)
