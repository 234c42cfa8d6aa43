"""Train a network that a preparation needs, so that an interrupted run resumes to the same result."""

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


def learn(
    given: Preparation,
    network: nn.Module,
    *,
    steps: int,
    batch: int,
    optimiser: OptimiserSettings,
    loss: Callable[[Tensor, Tensor], Tensor],
) -> Passes:
    """Train a network on shuffled batches of the protected images; return the image-passes of that.

    A preparation does this once, since it has one keeper.

    Args:
        given: what the preparation is given.
        network: already placed on its device (`given.runtime.place`); in eval mode afterwards.
        steps, batch, optimiser: the numbers.
        loss: (images (n, C, H, W) in [0, 1], labels (n,)) -> the loss of a batch; it runs the network itself.

    Raises:
        DivergedError: where the loss stops being finite.
    """
    learner = Optimiser(network, optimiser, given.runtime)
    batches = Batches(len(given.images), batch, given.generator)
    done, total = 0, torch.zeros((), dtype=given.runtime.dtype, device=given.runtime.device)
    if state := given.keeper.restored():
        learner.restore(part("learner", state))
        batches.restore(part("batches", state))
        given.generator.set_state(state["generator"])
        total.copy_(state["loss"])
        done = int(state["done"])

    def capture() -> State:
        return {
            **nested("learner", learner.state()),
            **nested("batches", batches.state()),
            "generator": given.generator.get_state(),
            "loss": total,
            "done": torch.tensor(done),
        }

    while done < steps:
        given.keeper.offer(capture)
        index = batches.draw()
        images, labels = given.runtime.pixels(given.images[index]), given.labels[index]
        total += learner.update(lambda: loss(images, labels))  # noqa: B023 - called at once
        done += 1
        given.report(done, steps)
    if not math.isfinite(total):
        raise DivergedError(f"the preparation diverged: the loss is {float(total)} within {steps} steps")
    network.eval()
    return Passes(train=steps * min(batch, len(given.images)))
