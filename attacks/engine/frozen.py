"""A frozen twin of a network: what every attack and evaluation pass runs on.

The twin is in eval mode, needs no gradient of its parameters, has its BatchNorms folded into the convolutions and
holds the weights in the precision that they are used in. It is refreshed after each update of the network.
"""

import copy
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from attacks.core.cost import Passes
from attacks.core.runtime import Runtime
from attacks.engine.captured import Capture, Captured
from attacks.engine.fold import find_pairs, refold, remove_norms


class FrozenNetwork:
    """The eval-mode twin of `network`; counts the image-passes that go through it.

    Args:
        network: the network, already placed on the runtime's device.
        example: a few images (n, C, H, W) in [0, 1] of the size that the network sees.
        runtime: device, precision and chunk size.
    """

    def __init__(self, network: nn.Module, example: Tensor, runtime: Runtime) -> None:
        self.passes = Passes()
        self._runtime = runtime
        self._network = network
        self._pairs = find_pairs(network, example)
        self._twin = copy.deepcopy(network).eval().requires_grad_(requires_grad=False)
        remove_norms(self._twin, self._pairs)
        if runtime.precision == "bf16":
            for module in self._twin.modules():
                if type(module) in {nn.Conv2d, nn.Linear}:
                    module.to(torch.bfloat16)
        paired = {pair.convolution for pair in self._pairs}
        source = network.state_dict(keep_vars=True)
        plain = {k: v for k, v in self._twin.state_dict(keep_vars=True).items() if k.rpartition(".")[0] not in paired}
        self._copies = [(tensor, source[name]) for name, tensor in plain.items()]
        self.refresh()
        capture = Capture(runtime.device) if runtime.device.type == "cuda" else None
        self._slope = Captured(partial(_slope, self._twin, runtime), runtime, capture)

    @property
    def warm_up(self) -> float:
        """Seconds spent on capturing and checking CUDA graphs so far, which are not part of the work."""
        return self._slope.seconds

    @property
    def eager(self) -> str | None:
        """Why CUDA graphs are not used, in one line; None where they are, or where there are none to use."""
        return self._slope.eager

    @torch.no_grad()
    def refresh(self) -> None:
        """Take over the network's present parameters and running statistics, in place, where captured graphs read."""
        for target, source in self._copies:
            target.copy_(source)
        refold(self._twin, self._network, self._pairs)

    def gradient(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return the derivative of the cross-entropy on `labels`, per image, at `images` (n, C, H, W) in [0, 1]."""
        self.passes += Passes(attack=len(images))
        chunk = self._runtime.chunk
        parts = [self._slope(*part) for part in zip(images.split(chunk), labels.split(chunk), strict=True)]
        return torch.cat(parts) if len(parts) > 1 else parts[0]

    @torch.no_grad()
    def logits(self, images: Tensor) -> Tensor:
        """Return the logits (n, classes) of `images` (n, C, H, W) in [0, 1], as floats."""
        self.passes += Passes(forward=len(images))
        with self._runtime.autocast():
            parts = [self._twin(part) for part in images.split(self._runtime.chunk)]
        return torch.cat(parts).to(images.dtype)


def _slope(twin: nn.Module, runtime: Runtime, images: Tensor, labels: Tensor) -> Tensor:
    with torch.enable_grad(), runtime.autocast():
        leaf = images.detach().requires_grad_()
        logits = twin(leaf)
        loss = functional.cross_entropy(logits.to(leaf.dtype), labels, reduction="sum")
    return torch.autograd.grad(loss, leaf)[0]


def sign_agreement(network: nn.Module, images: Tensor, labels: Tensor, runtime: Runtime) -> float:
    """Return the percent of the entries of a gradient whose sign is the same in fp32.

    Args:
        network: placed on the runtime's device.
        images: (n, C, H, W) in [0, 1], where the derivative of the cross-entropy is taken.
        labels: int64 (n,).
        runtime: the precision that is compared, and the device.
    """
    given, single = (
        FrozenNetwork(network, images[:2], at).gradient(images, labels).sign()
        for at in (runtime, replace(runtime, precision="fp32"))
    )
    return 100 * (given == single).float().mean().item()
