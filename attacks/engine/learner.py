"""The network that noise is made with: it is trained, its frozen twin gives gradients, and both can be resumed."""

import copy
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from attacks.core.batches import Batches
from attacks.core.cost import Passes
from attacks.core.errors import UntrainableError
from attacks.core.numbers import CosineSgd
from attacks.core.optimiser import DivergedError, Optimiser, cross_entropy
from attacks.core.settings import OptimiserSettings
from attacks.core.state import State, nested, part
from attacks.engine.descent import protected
from attacks.engine.frozen import FrozenNetwork, sign_agreement
from attacks.engine.views import View, centre
from attacks.task import NoiseResult, Task

STEPS_BETWEEN_CHECKS = 100  # of the loss; each check waits for the device
LOOKED_AT = 128  # images used to check how far the precision can be trusted

Beside = tuple[Tensor, Callable[[Tensor], Tensor]]
"""Additional images (m, C, H, W) in [0, 1] for an update, and the loss of their logits (m, classes)."""


class Learner:
    """A task's network, with its optimiser and the batches that it is trained on.

    Args:
        task: what the noise is made for.
        sgd: the optimiser's hyperparameters.
        batch: images in a batch.
        largest_gradient: the norm that the gradient of the network's weights is clipped to, if any.
        rate: the learning rate of each step, if different from that of `sgd`.
        whole, fixed: as in `Batches`.

    Raises:
        UntrainableError: if the last batch of an epoch is a single image that the network cannot be trained on.
    """

    def __init__(
        self,
        task: Task,
        sgd: OptimiserSettings,
        batch: int,
        *,
        largest_gradient: float | None = None,
        rate: Callable[[int], float] | None = None,
        whole: bool = False,
        fixed: bool = False,
    ) -> None:
        self._task = task
        self._network = network = task.runtime.place(task.network())
        if whole and (len(task.images) - 1) % batch == 0:
            _check_single(network, task, batch)
        example = centre(task.runtime.pixels(task.images[:2]), task.augment)
        self._twin = FrozenNetwork(network, example, task.runtime)
        self._behind = False
        self._optimiser = Optimiser(network, sgd, task.runtime, largest_gradient, rate=rate)
        self._optimisers = [self._optimiser]
        self._batches = Batches(len(task.images), batch, task.generator, whole=whole, fixed=fixed)
        self._loss = torch.zeros((), dtype=task.runtime.dtype, device=task.runtime.device)
        self._steps = 0
        self._passes = Passes()
        self._warm_up = 0.0

    @property
    def network(self) -> nn.Module:
        """The network itself."""
        return self._network

    @property
    def passes(self) -> Passes:
        """The image-passes made so far, including those of the twin and those added by `count`."""
        return self._passes + self._twin.passes

    def count(self, passes: Passes) -> None:
        """Count image-passes that other networks made."""
        self._passes += passes

    @property
    def warm_up(self) -> float:
        """The seconds spent so far on capturing CUDA graphs."""
        return self._warm_up + self._twin.warm_up + sum(each.warm_up for each in self._optimisers)

    @property
    def steps(self) -> int:
        """The number of updates made so far."""
        return self._steps

    def weights(self) -> State:
        """Return a copy of the network's current weights and statistics."""
        return {name: value.detach().clone() for name, value in self._network.state_dict().items()}

    def put_back(self, weights: State) -> None:
        """Restore the network from a copy taken by `weights`."""
        self._network.load_state_dict(weights)
        self._behind = True

    def draw(self) -> Tensor:
        """Return the indices of the next shuffled batch."""
        return self._batches.draw()

    def learn(self, images: Tensor, labels: Tensor, beside: Beside | None = None) -> None:
        """Make one update on `images` (n, C, H, W) in [0, 1], and on the additional images in `beside`.

        Raises:
            DivergedError: if the loss has stopped being finite, which is checked every `STEPS_BETWEEN_CHECKS` steps.
        """
        loss = self._update(images, labels, beside)
        self._updated(loss, len(images) + (len(beside[0]) if beside else 0))

    def follow(self, gradients: Sequence[Tensor], *, loss: Tensor, images: int) -> None:
        """Make one update along gradients, one per weight in the order of the weights; raises as `learn` does.

        Args:
            gradients: gradients of the weights.
            loss: a loss that is finite when the gradients are.
            images: number of image-passes that the gradients took.
        """
        self._optimiser.follow(gradients)
        self._updated(loss, images)

    def _updated(self, loss: Tensor, images: int) -> None:
        self._loss += loss  # finite if every step's is
        self._steps += 1
        self._passes += Passes(train=images)
        self._behind = True
        if self._steps % STEPS_BETWEEN_CHECKS == 0:
            self.check()

    def learn_clean(self, index: Tensor, view: View) -> None:
        """Make one update on a view of the clean images at `index`; raises as `learn` does."""
        self.learn(view.apply(self._task.pixels(index)), self._task.labels[index])

    def _update(self, images: Tensor, labels: Tensor, beside: Beside | None) -> Tensor:
        if beside is None:
            return self._optimiser.step(images, labels)
        others, loss_of = beside

        def loss() -> Tensor:
            return cross_entropy(self._network, images, labels) + loss_of(self._network(others).to(others.dtype))

        return self._optimiser.update(loss)

    def copy_network(self, settings: OptimiserSettings) -> tuple[nn.Module, Optimiser]:
        """Return a copy of the network and its optimiser, whose CUDA graphs are reported with those of the network."""
        copied = copy.deepcopy(self._network)
        optimiser = Optimiser(copied, settings, self._task.runtime)
        self._optimisers.append(optimiser)
        return copied, optimiser

    def twin(self) -> FrozenNetwork:
        """Return the frozen twin, up to date."""
        if self._behind:
            self._twin.refresh()
            self._behind = False
        return self._twin

    def check(self) -> None:
        """Check that the loss has been finite so far, and that the network is finite.

        Raises:
            DivergedError: if either is not.
        """
        if not (
            math.isfinite(self._loss) and all(kept.isfinite().all() for kept in self._network.state_dict().values())
        ):
            raise DivergedError(
                f"the surrogate diverged: its loss or weights stopped being finite within {self._steps} steps"
            )

    def made(self, noise: Tensor, *, exhausted: bool = False) -> NoiseResult:
        """Return noise (N, C, H, W) in units of 1/255 made with the network, with its cost and diagnostics."""
        return NoiseResult(
            noise=noise,
            passes=self.passes,
            exhausted=exhausted,
            sign_agreement=self._agreement(noise),
            warm_up=self.warm_up,
            eager=self._twin.eager or next((each.eager for each in self._optimisers if each.eager), None),
        )

    def _agreement(self, noise: Tensor) -> float | None:
        """Return how far the signs of gradients agree with fp32, in percent; None if the precision is fp32 or higher.

        Only the first images are used, with their noise.
        """
        task = self._task
        if task.runtime.precision != "bf16":
            return None
        images = protected(task.runtime.pixels(task.images[:LOOKED_AT]), noise[:LOOKED_AT])
        return sign_agreement(self._network, centre(images, task.augment), task.labels[:LOOKED_AT], task.runtime)

    def state(self) -> State:
        """Return all that the next step depends on, including the task's generator."""
        passes = self.passes
        return {
            **nested("optimiser", self._optimiser.state()),
            **nested("batches", self._batches.state()),
            "generator": self._task.generator.get_state(),
            "loss": self._loss,
            "counts": torch.tensor([self._steps, passes.attack, passes.train, passes.forward]),
            "warm_up": torch.tensor(self.warm_up, dtype=torch.float64),
        }

    def restore(self, state: State) -> None:
        """Resume from a state."""
        self._optimiser.restore(part("optimiser", state))
        self._batches.restore(part("batches", state))
        self._task.generator.set_state(state["generator"])
        self._loss.copy_(state["loss"])
        self._steps, attack, train, forward = state["counts"].tolist()
        self._passes = Passes(attack=attack, train=train, forward=forward)
        self._warm_up = float(state["warm_up"])
        self._behind = True


def _check_single(network: nn.Module, task: Task, batch: int) -> None:
    """Check that a network can be trained on one image: a BatchNorm cannot if its input is then a single pixel.

    Raises:
        UntrainableError: if it can be neither on a whole image nor on its crop; methods differ in which they use.
    """
    whole = task.runtime.pixels(task.images[:1])
    devices = [] if whole.device.type == "cpu" else [whole.device]
    for image in (centre(whole, task.augment), whole):
        try:
            with torch.no_grad(), task.runtime.autocast(), torch.random.fork_rng(devices=devices):
                copy.deepcopy(network).train()(image)
        except ValueError as error:
            refusal = error
        else:
            return
    raise UntrainableError(
        f"{len(task.images):,} images in batches of {batch} leave a single one for the last batch of an epoch, which "
        "this surrogate's BatchNorm cannot be trained on at this size; add or remove an image, or choose another batch "
        "size or method"
    ) from refusal


def over_epochs(task: Task, sgd: CosineSgd, *, epochs: int, batch: int, fixed: bool = False) -> tuple[Learner, int]:
    """Return a learner for a number of epochs, and its steps per epoch.

    Args:
        task: what the noise is made for.
        sgd: the optimiser's hyperparameters; the learning rate changes from epoch to epoch.
        epochs: number of passes over the whole set.
        batch: images in a step; the last of an epoch may have fewer.
        fixed: go through the set in the same order in every epoch.
    """
    each = math.ceil(len(task.images) / batch)
    rate = lambda step: sgd.rate(step // each, epochs)  # noqa: E731
    return Learner(task, sgd.plain, batch, rate=rate, whole=True, fixed=fixed), each
