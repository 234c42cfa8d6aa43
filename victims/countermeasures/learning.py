"""Train the networks that a preparation needs, so that an interrupted run resumes to the same result."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from attacks.core.batches import Batches
from attacks.core.cost import Passes
from attacks.core.optimiser import DivergedError, Optimiser
from attacks.core.settings import OptimiserSettings
from attacks.core.state import State, nested, part
from victims.countermeasures.spec import Preparation

Loss = Callable[[Tensor, Tensor], Tensor]


class Lessons:
    """The trainings of one preparation, one after the other; all networks are built beforehand.

    Args:
        given: what the preparation is given.
        count: how many trainings there are.

    Attributes:
        done: steps done in the current training.
    """

    def __init__(self, given: Preparation, count: int = 1) -> None:
        self._given = given
        self._count = count
        self.done = 0
        self._restored = given.keeper.restored() or {}  # called once, since it restores torch's random state too

    def kept(self, name: str) -> Tensor | None:
        """Return a tensor that the interrupted training kept next to its state; None if there is none."""
        found = self._restored.get(f"kept/{name}")
        return None if found is None else found.to(self._given.images.device)

    def learn(
        self,
        network: nn.Module,
        *,
        steps: int,
        batch: int,
        optimiser: OptimiserSettings,
        loss: Loss,
        number: int = 0,
        examples: tuple[Tensor, Tensor] | None = None,
        keeping: State | None = None,
        rate: Callable[[int], float] | None = None,
        largest_gradient: float | None = None,
    ) -> Passes:
        """Train a network on shuffled batches; return the image-passes.

        Args:
            network: already placed on its device (`given.runtime.place`); in eval mode afterwards.
            steps, batch, optimiser: the numbers.
            loss: (images (n, C, H, W) in [0, 1], labels (n,)) -> the loss of a batch; it runs the network itself.
            number: number of this training, from 0.
            examples: uint8 images (N, C, H, W) and their targets; None: the protected images and their labels.
            keeping: tensors needed to resume from here, kept next to the state.
            rate: the learning rate of each step, from 0; None: that of `optimiser`.
            largest_gradient: the norm that the gradient of all weights is clipped to, if any.

        Raises:
            DivergedError: if the loss stops being finite.
        """
        given, state = self._given, self._restored
        learner = Optimiser(network, optimiser, given.runtime, largest_gradient, rate=rate)
        shown, targets = examples or (given.images, given.labels)
        batches = Batches(len(shown), batch, given.generator)
        self.done, total = 0, torch.zeros((), dtype=given.runtime.dtype, device=given.runtime.device)
        if state and int(state["number"]) == number:
            learner.restore(part("learner", state))
            batches.restore(part("batches", state))
            given.generator.set_state(state["generator"])
            total.copy_(state["loss"])
            self.done = int(state["done"])

        def capture() -> State:
            return {
                **nested("learner", learner.state()),
                **nested("batches", batches.state()),
                **nested("kept", keeping or {}),
                "generator": given.generator.get_state(),
                "loss": total,
                "done": torch.tensor(self.done),
                "number": torch.tensor(number),
            }

        while self.done < steps:
            given.keeper.offer(capture)
            index = batches.draw()
            images, wanted = given.runtime.pixels(shown[index]), targets[index]
            total += learner.update(lambda: loss(images, wanted))  # noqa: B023 - called at once
            self.done += 1
            given.report(number * steps + self.done, self._count * steps)
        if not math.isfinite(total):
            raise DivergedError(f"the preparation diverged: the loss is {float(total)} within {steps} steps")
        network.eval()
        return Passes(train=steps * min(batch, len(shown)))
