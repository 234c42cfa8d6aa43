"""The steps of GUE: a noise generator plays against a network that learns the noisy images."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from attacks.core.cost import Passes
from attacks.core.numbers import Gue
from attacks.core.optimiser import DivergedError, Optimiser
from attacks.core.settings import AdamW, Sgd
from attacks.core.state import State, nested, part
from attacks.engine.descent import clamped, round_noise
from attacks.engine.generator import NoiseUNet, draw_network
from attacks.engine.learner import Learner
from attacks.engine.phases import Phases
from attacks.task import NoiseResult, Task

MOMENTUM = 0.1  # of BatchNorm statistics, PyTorch's default
TINY = 1e-8  # added to the squared norm in the denominator, as released


class Game:
    """One run of the steps on `task`, as described in `attacks.methods.gue_liu24`."""

    def __init__(self, task: Task, numbers: Gue) -> None:
        plain = Sgd(lr=numbers.surrogate_lr, momentum=0, weight_decay=0)
        self._task = task
        self._numbers = numbers
        self._learner = Learner(task, plain, numbers.batch, whole=True)
        self._network = self._learner.network
        ahead = AdamW(kind="adamw", lr=numbers.ahead_lr, weight_decay=0)
        self._copy, self._copied = self._learner.copy_network(ahead)
        channels = task.images.shape[1]
        made = draw_network(lambda: NoiseUNet(channels, width=numbers.width), task.generator)
        for norm in made.modules():
            if isinstance(norm, nn.BatchNorm2d):  # sees a batch once, not once per update and twice more
                norm.momentum = 1 - (1 - MOMENTUM) ** (numbers.updates + 2)
        self._generator = task.runtime.place(made)
        of_generator = plain.model_copy(update={"lr": numbers.generator_lr})
        self._optimiser = Optimiser(self._generator, of_generator, task.runtime)
        self._bound = task.settings.rho_u / 255

    def run(self) -> NoiseResult:
        """Make the noise.

        Raises:
            DivergedError: if a network's loss stops being finite.
        """
        steps = self._numbers.epochs * math.ceil(len(self._task.images) / self._numbers.batch)
        return Phases(self._task, self._learner, steps=steps, step=self._step, noise=self._noise, kept=self).run()

    def _step(self, index: Tensor) -> None:
        """Update generator and surrogate once, on the batch at `index`."""
        runtime, images, labels = self._task.runtime, self._task.pixels(index), self._task.labels[index]
        self._generator.train()
        self._network.train()
        with torch.enable_grad(), runtime.autocast():
            noisy = clamped(images + self._bound * self._generator(images).to(images.dtype))
        self._run_ahead(noisy.detach(), labels)
        drawn, weights = list(self._generator.parameters()), list(self._network.parameters())
        with torch.enable_grad(), runtime.autocast():
            wrong = wrong_loss(self._network(images).to(images.dtype), labels)
        aims = torch.autograd.grad(wrong, weights)
        with torch.enable_grad(), runtime.autocast():
            learnt, best = (
                functional.cross_entropy(network(noisy).to(images.dtype), labels)
                for network in (self._network, self._copy)
            )
        slopes = torch.autograd.grad(learnt - best, [*drawn, *weights])
        moved, own = slopes[: len(drawn)], slopes[len(drawn) :]
        along = sum(((aim * slope).sum() for aim, slope in zip(aims, own, strict=True)), torch.zeros_like(wrong))
        square = sum((slope.square().sum() for slope in slopes), torch.zeros_like(wrong))
        weight = ((self._numbers.eta * square - along) / (square + TINY)).clamp(min=0)
        self._optimiser.follow([weight * slope for slope in moved])
        self._learner.count(Passes(attack=len(index), train=len(index)))  # of the copy and of the generator
        towards = [aim + weight * slope for aim, slope in zip(aims, own, strict=True)]
        self._learner.follow(towards, loss=(wrong + learnt).detach(), images=2 * len(index))

    def _run_ahead(self, noisy: Tensor, labels: Tensor) -> None:
        """Set the copy to the surrogate after some updates on a batch of noisy images."""
        self._copied.restore({**nested("network", self._network.state_dict()), "steps": torch.tensor(0)})
        self._copy.requires_grad_(requires_grad=True)
        for _ in range(self._numbers.updates):
            self._copied.step(noisy, labels)
        self._copy.requires_grad_(requires_grad=False)
        self._learner.count(Passes(train=self._numbers.updates * len(noisy)))

    def _noise(self, index: Tensor) -> Tensor:
        """Return the noise of the images at `index`, rounded, in units of 1/255."""
        images = self._task.pixels(index)
        self._generator.eval()
        with torch.no_grad(), self._task.runtime.autocast():
            found = self._generator(images).to(images.dtype)
        self._learner.count(Passes(forward=len(index)))
        if not found.isfinite().all():
            raise DivergedError("the noise generator diverged")
        return round_noise(self._bound * found)

    def state(self) -> State:
        """Return the state of the generator."""
        return nested("generator", self._optimiser.state())

    def restore(self, state: State) -> None:
        """Resume from a state."""
        self._optimiser.restore(part("generator", state))


def wrong_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean over images of the largest cross-entropy of a wrong label, for logits (n, classes).

    The lower it is, the more evenly the predicted probability is spread over all wrong labels.
    """
    least = logits.scatter(1, labels[:, None], torch.inf).min(1).values
    return (logits.logsumexp(1) - least).mean()
