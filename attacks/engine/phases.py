"""Work in two phases: a network learns for some steps, then the noise of all images is made with it as it then is."""

from collections.abc import Callable

import torch
from torch import Tensor

from attacks.core.state import State, nested, part
from attacks.engine.descent import parts
from attacks.engine.learner import Learner
from attacks.task import NoiseResult, Task


class Phases:
    """One run of both phases.

    Args:
        task: what the noise is made for.
        learner: its network.
        steps: of the first phase.
        step: learns from the images of a batch of indices.
        noise: makes the noise of the images of some indices, rounded, in units of 1/255.
    """

    def __init__(
        self,
        task: Task,
        learner: Learner,
        *,
        steps: int,
        step: Callable[[Tensor], None],
        noise: Callable[[Tensor], Tensor],
    ) -> None:
        self._task = task
        self._learner = learner
        self._steps = steps
        self._step = step
        self._noise = noise
        self._learnt = 0
        self._noised = 0
        self._made = torch.empty(0, dtype=torch.int8)
        if state := task.keeper.restored():
            self._restore(state)

    def run(self) -> NoiseResult:
        """Make the noise.

        Raises:
            DivergedError: where the network's loss stops being finite.
        """
        task, final = self._task, parts(self._task.images)
        while self._learnt < self._steps:
            self._step(self._learner.draw())
            self._learnt += 1
            task.report(self._learnt, self._steps + len(final))
            task.keeper.offer(self._state)
        self._learner.check()
        if self._noised == 0:
            self._made = torch.empty(task.images.shape, dtype=torch.int8, device=task.images.device)
        for index in final[self._noised :]:
            self._made[index] = self._noise(index).to(torch.int8)
            self._noised += 1
            task.report(self._steps + self._noised, self._steps + len(final))
            task.keeper.offer(self._state)
        return self._learner.made(self._made)

    def _state(self) -> State:
        return {
            **nested("learner", self._learner.state()),
            "progress": torch.tensor([self._learnt, self._noised]),
            "noise": self._made,
        }

    def _restore(self, state: State) -> None:
        self._learner.restore(part("learner", state))
        self._learnt, self._noised = state["progress"].tolist()
        self._made = state["noise"].to(self._task.images.device)
