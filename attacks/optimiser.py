"""One SGD step of a network that learns, in the protocol's precision."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from attacks.runtime import Runtime
from attacks.settings import Sgd
from attacks.state import State, nested, part


class DivergedError(RuntimeError):
    """The loss is no longer finite, so that what the network has learnt says nothing."""


class Optimiser:
    """SGD with momentum and milestones on a network in train mode; the surrogate and the victims both learn with it.

    The norm of the gradient of all weights is clipped to `largest_gradient`, if there is one.
    """

    def __init__(self, network: nn.Module, sgd: Sgd, runtime: Runtime, largest_gradient: float | None = None) -> None:
        self._network = network
        self._runtime = runtime
        self._settings = sgd
        self._largest_gradient = largest_gradient
        self._steps = 0
        self._sgd = torch.optim.SGD(
            network.parameters(), lr=sgd.lr, momentum=sgd.momentum, weight_decay=sgd.weight_decay, fused=True
        )

    def step(self, images: Tensor, labels: Tensor) -> Tensor:
        """Update on one batch; return its mean cross-entropy, still on the device."""
        self._network.train()
        with torch.enable_grad(), self._runtime.autocast():
            logits = self._network(images)
            loss = functional.cross_entropy(logits.to(images.dtype), labels)
        self._sgd.zero_grad(set_to_none=True)
        loss.backward()
        if self._largest_gradient is not None:
            nn.utils.clip_grad_norm_(self._network.parameters(), self._largest_gradient)
        passed = sum(milestone <= self._steps for milestone in self._settings.milestones)
        self._sgd.param_groups[0]["lr"] = self._settings.lr * self._settings.gamma**passed
        self._sgd.step()
        self._steps += 1
        return loss.detach()

    def state(self) -> State:
        """Return the network's weights and statistics, the momenta and the count of steps."""
        momenta = {str(n): self._sgd.state[weight] for n, weight in enumerate(self._network.parameters())}
        return {
            **nested("network", self._network.state_dict()),
            **nested(
                "momentum", {n: kept["momentum_buffer"] for n, kept in momenta.items() if "momentum_buffer" in kept}
            ),
            "steps": torch.tensor(self._steps),
        }

    def restore(self, state: State) -> None:
        """Go on where a state was taken."""
        self._network.load_state_dict(part("network", state))
        momenta = part("momentum", state)
        for n, weight in enumerate(self._network.parameters()):
            if str(n) in momenta:
                kept = torch.empty_like(weight)  # laid out in memory as the weight is
                self._sgd.state[weight]["momentum_buffer"] = kept.copy_(momenta[str(n)])
        self._steps = int(state["steps"])
