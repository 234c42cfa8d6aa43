"""Training steps of a network by SGD or AdamW, in the protocol's precision."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from attacks.core.captured import Capture, Captured
from attacks.core.runtime import Runtime
from attacks.core.settings import OptimiserSettings
from attacks.core.state import State, nested, part

Loss = Callable[[Tensor, Tensor], Tensor]


class DivergedError(RuntimeError):
    """The loss is no longer finite, so the trained network is meaningless."""


class Optimiser:
    """An optimiser with milestones for a network in train mode; everything that is trained uses it.

    Args:
        network: already placed on the runtime's device.
        settings: the optimiser's hyperparameters.
        runtime: device and precision.
        largest_gradient: the norm that the gradient of all weights is clipped to, if any.
        parts: the modules of the network to train, while the others stay fixed, in eval mode; None: all of it.
        rate: the learning rate of each step, counted from 0; None: `settings.lr` and its milestones.
        loss: (images, labels) -> the scalar loss of `step`; None: the mean cross-entropy. Apart from its arguments it
            reads only the network and memory that stays in place, and it does not wait for the device.
    """

    def __init__(
        self,
        network: nn.Module,
        settings: OptimiserSettings,
        runtime: Runtime,
        largest_gradient: float | None = None,
        parts: Iterable[nn.Module] | None = None,
        rate: Callable[[int], float] | None = None,
        loss: Loss | None = None,
    ) -> None:
        self._network = network
        self._runtime = runtime
        self._rate = rate or partial(_stepped, settings)
        self._largest_gradient = largest_gradient
        self._parts = None if parts is None else tuple(parts)
        self._steps = 0
        if self._parts is not None:
            network.requires_grad_(requires_grad=False)
            for learning in self._parts:
                learning.requires_grad_(requires_grad=True)
        self._optimiser = _create(settings, list(network.parameters()))
        self._slopes = _Slopes(network, self._parts, runtime, loss or partial(cross_entropy, network))
        capture = Capture(runtime.device, copies=False) if runtime.device.type == "cuda" else None
        self._captured = Captured(self._slopes, runtime, capture, network.buffers)

    @property
    def warm_up(self) -> float:
        """Seconds spent so far on capturing and checking CUDA graphs, which do not count as work."""
        return self._captured.seconds

    @property
    def eager(self) -> str | None:
        """One line on why CUDA graphs are not used; None if they are, or if the device has none."""
        return self._captured.eager

    def step(self, images: Tensor, labels: Tensor) -> Tensor:
        """Update on one batch and return its loss, still on the device; the next step may overwrite it.

        Args:
            images: (n, C, H, W) in [0, 1].
            labels: int64 (n,), or probabilities (n, classes).
        """
        value, *slopes = self._captured(images, labels)
        self._optimiser.zero_grad(set_to_none=True)
        for weight, slope in zip(self._slopes.reached, slopes, strict=True):
            weight.grad = slope  # not copied: it stays where a graph wrote it
        self._move()
        return value

    def update(self, loss: Callable[[], Tensor]) -> Tensor:
        """Compute a loss in the protocol's precision, update on it and return it, still on the device."""
        value = self._slopes.of(loss)
        self._move()
        return value

    def follow(self, gradients: Sequence[Tensor]) -> None:
        """Update along given gradients, one per weight, in the order of the weights."""
        for weight, gradient in zip(self._network.parameters(), gradients, strict=True):
            weight.grad = gradient
        self._move()

    def _move(self) -> None:
        if self._largest_gradient is not None:
            nn.utils.clip_grad_norm_(self._network.parameters(), self._largest_gradient)
        self._optimiser.param_groups[0]["lr"] = self._rate(self._steps)
        self._optimiser.step()
        self._steps += 1

    def state(self) -> State:
        """Return the network's weights and statistics, the optimiser's state of each weight, and the step count."""
        kept = {
            f"{n}/{name}": value
            for n, weight in enumerate(self._network.parameters())
            for name, value in self._optimiser.state[weight].items()
            if value is not None
        }
        return {
            **nested("network", self._network.state_dict()),
            **nested("kept", kept),
            "steps": torch.tensor(self._steps),
        }

    def restore(self, state: State) -> None:
        """Resume from a state."""
        self._network.load_state_dict(part("network", state))
        self._optimiser.state.clear()
        weights = list(self._network.parameters())
        for key, value in part("kept", state).items():
            number, name = key.split("/")
            weight = weights[int(number)]
            like = weight if value.shape == weight.shape else value  # same memory layout as the weight
            self._optimiser.state[weight][name] = torch.empty_like(like, device=weight.device).copy_(value)
        self._steps = int(state["steps"])


class _Slopes:
    """Gradients of a loss with respect to the weights of a network in training.

    Attributes:
        reached: the weights that the loss of a batch depends on; a call returns the loss, then their gradients.
    """

    def __init__(self, network: nn.Module, parts: tuple[nn.Module, ...] | None, runtime: Runtime, loss: Loss) -> None:
        self.reached: list[nn.Parameter] = []
        self._network = network
        self._parts = parts
        self._runtime = runtime
        self._loss = loss

    def __call__(self, images: Tensor, labels: Tensor) -> tuple[Tensor, ...]:
        """Return the loss of a batch and its gradients."""
        value = self.of(partial(self._loss, images, labels))
        found = [(weight, weight.grad) for weight in self._network.parameters() if weight.grad is not None]
        self.reached = [weight for weight, _ in found]
        return (value, *(slope for _, slope in found))

    def of(self, loss: Callable[[], Tensor]) -> Tensor:
        """Leave a loss's gradients in the weights' `grad` and return the loss."""
        self._network.train(self._parts is None)
        for learning in self._parts or ():
            learning.train()
        with torch.enable_grad(), self._runtime.autocast():
            value = loss()
        self._network.zero_grad(set_to_none=True)
        value.backward()
        return value.detach()


def cross_entropy(network: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy of a network's logits, computed in the dtype of the images."""
    return functional.cross_entropy(network(images).to(images.dtype), labels)


def _stepped(settings: OptimiserSettings, step: int) -> float:
    return settings.lr * settings.gamma ** sum(milestone <= step for milestone in settings.milestones)


def _create(settings: OptimiserSettings, weights: list[nn.Parameter]) -> torch.optim.Optimizer:
    if settings.kind == "adamw":
        return torch.optim.AdamW(
            weights,
            lr=settings.lr,
            betas=settings.betas,
            eps=settings.eps,
            weight_decay=settings.weight_decay,
            fused=True,
        )
    return torch.optim.SGD(
        weights, lr=settings.lr, momentum=settings.momentum, weight_decay=settings.weight_decay, fused=True
    )
