"""One SGD step of a network that learns, in the protocol's precision."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from attacks.runtime import Runtime
from attacks.settings import Sgd


class Optimiser:
    """SGD with momentum and milestones on a network in train mode; the surrogate and the victims both learn with it."""

    def __init__(self, network: nn.Module, sgd: Sgd, runtime: Runtime) -> None:
        self._network = network
        self._runtime = runtime
        self._sgd = torch.optim.SGD(
            network.parameters(), lr=sgd.lr, momentum=sgd.momentum, weight_decay=sgd.weight_decay, fused=True
        )
        self._schedule = torch.optim.lr_scheduler.MultiStepLR(self._sgd, list(sgd.milestones), gamma=sgd.gamma)

    def step(self, images: Tensor, labels: Tensor) -> Tensor:
        """Update on one batch; return its mean cross-entropy, still on the device."""
        self._network.train()
        with torch.enable_grad(), self._runtime.autocast():
            logits = self._network(images)
            loss = functional.cross_entropy(logits.to(images.dtype), labels)
        self._sgd.zero_grad(set_to_none=True)
        loss.backward()
        self._sgd.step()
        self._schedule.step()
        return loss.detach()
