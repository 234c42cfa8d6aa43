"""Self-ensemble: checkpoints of one training on clean images, then sign steps towards a label on all of them.

Each image may also get a colour shift shared by its class, found by a search on the same checkpoints.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from attacks.core.numbers import EnsembleNumbers
from attacks.core.state import State, nested, part
from attacks.engine.colour import Colours
from attacks.engine.descent import descend_valid, round_noise
from attacks.engine.frozen import FrozenNetwork
from attacks.engine.learner import Learner
from attacks.engine.phases import Phases, Search
from attacks.engine.views import draw
from attacks.task import NoiseResult, Task


class Checkpoints:
    """Evenly spaced checkpoints of a learner's training, the last at its end.

    Args:
        learner: trains the network.
        steps: steps of the training.
        count: number of checkpoints.
    """

    def __init__(self, learner: Learner, *, steps: int, count: int) -> None:
        self._learner = learner
        self._due = {-(-steps * number // count) for number in range(1, count + 1)}
        self._kept: list[State] = []

    def look(self) -> None:
        """Keep a checkpoint if one is due."""
        if self._learner.steps in self._due:
            self._kept.append(self._learner.weights())

    def mean(self, of: Callable[[FrozenNetwork], Tensor]) -> Tensor:
        """Return the mean of `of` over the checkpoints."""
        total: Tensor | None = None
        for weights in self._kept:
            self._learner.put_back(weights)
            found = of(self._learner.twin())
            total = found if total is None else total + found
        assert total is not None
        return total / len(self._kept)

    def state(self) -> State:
        """Return all checkpoints."""
        numbered = (nested(str(number), weights) for number, weights in enumerate(self._kept))
        return {name: value for weights in numbered for name, value in weights.items()}

    def restore(self, state: State) -> None:
        """Resume from a state."""
        numbers = sorted({int(name.split("/")[0]) for name in state})
        self._kept = [part(str(number), state) for number in numbers]


class Ensemble:
    """One run on `task`.

    Args:
        task: what the noise is made for.
        numbers: the method's hyperparameters.
        target: (labels (n,), classes) -> the labels that the noise makes likelier.
    """

    def __init__(self, task: Task, numbers: EnsembleNumbers, target: Callable[[Tensor, int], Tensor]) -> None:
        self._task = task
        self._numbers = numbers
        self._targets = target(task.labels, task.classes)
        self._learner = Learner(task, numbers.sgd, task.settings.batch)
        self._checkpoints = Checkpoints(self._learner, steps=numbers.pretraining, count=numbers.checkpoints)
        colour = numbers.colour
        self._colours = colour and Colours(task, colour, self._targets, self._checkpoints.mean)

    def run(self) -> NoiseResult:
        """Make the noise.

        Raises:
            DivergedError: if the network's loss stops being finite.
        """
        colours = self._colours
        return Phases(
            self._task,
            self._learner,
            steps=self._numbers.pretraining,
            step=self._learn,
            search=Search(pieces=colours.pieces, piece=colours.search) if colours else Search(),
            kept=self,
            noise=self._noise,
            dtype=torch.int16 if colours else torch.int8,
        ).run()

    def _learn(self, index: Tensor) -> None:
        task = self._task
        self._learner.learn_clean(index, draw(task.augment, len(index), task.size, task.generator))
        self._checkpoints.look()

    def _noise(self, index: Tensor) -> Tensor:
        """Return the noise of the images at `index`, rounded, in units of 1/255."""
        task, target = self._task, self._targets[index]
        images = task.pixels(index)
        delta = descend_valid(
            images,
            torch.zeros_like(images),
            lambda noisy: self._checkpoints.mean(lambda twin: twin.gradient(noisy, target)),
            radius=task.settings.rho_u,
            steps=self._numbers.descent,
        )
        if self._colours:
            delta = (images + delta + self._colours.of(index)).clamp_(0, 1).sub_(images)
        return round_noise(delta)

    def state(self) -> State:
        """Return the state kept from phase to phase."""
        colours = self._colours.state() if self._colours else {}
        return {**nested("checkpoints", self._checkpoints.state()), **nested("colours", colours)}

    def restore(self, state: State) -> None:
        """Resume from a state."""
        self._checkpoints.restore(part("checkpoints", state))
        if self._colours:
            self._colours.restore(part("colours", state))
