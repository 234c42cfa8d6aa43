"""The frozen twin of a network, used for every attack and evaluation pass.

The twin is in eval mode, has no gradients for its parameters, has its BatchNorms folded into the convolutions and holds
the weights in the precision in which they are used. It is refreshed after each update of the network.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from attacks.core.captured import Capture, Captured
from attacks.core.cost import Passes
from attacks.core.runtime import Runtime
from attacks.engine.fold import find_pairs, refold, remove_norms
from attacks.engine.fused import fuse


@dataclass(frozen=True, eq=False)
class FeatureLoss:
    """A loss of features, i.e. of the inputs to a network's last layer.

    Attributes:
        of: (features (n, F), labels (n,)) -> the loss of all images together, a scalar; apart from these tensors, it
            reads only memory that stays in place, and it does not wait for the device.
        together: whether the loss of an image depends on the others, so that batches must not be split into chunks.
    """

    of: Callable[[Tensor, Tensor], Tensor]
    together: bool = False


class FrozenNetwork:
    """The eval-mode twin of `network`; counts the image-passes made with it.

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
        self._trunk = fuse(self._twin, example) if runtime.fused else None
        self.refresh()
        self._capture = Capture(runtime.device, copies=True) if runtime.device.type == "cuda" else None
        self._slope = Captured(partial(_slope, self._twin, runtime), runtime, self._capture)
        self._inside = Features(self._twin)
        self._slopes: dict[FeatureLoss, Captured] = {}

    @property
    def warm_up(self) -> float:
        """Seconds spent so far on capturing and checking CUDA graphs, which do not count as work."""
        return sum(slope.seconds for slope in (self._slope, *self._slopes.values()))

    @property
    def eager(self) -> str | None:
        """One line on why CUDA graphs are not used; None if they are, or if the device has none."""
        return next((slope.eager for slope in (self._slope, *self._slopes.values()) if slope.eager), None)

    @torch.no_grad()
    def refresh(self) -> None:
        """Copy the network's current parameters and running statistics, in place, where captured graphs read them."""
        for target, source in self._copies:
            target.copy_(source)
        refold(self._twin, self._network, self._pairs)
        if self._trunk:
            self._trunk.pack()

    def gradient(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return the gradient of each image's cross-entropy on `labels`, at `images` (n, C, H, W) in [0, 1]."""
        return self._gradient(self._slope, self._runtime.chunk, images, labels)

    def feature_gradient(self, loss: FeatureLoss, images: Tensor, labels: Tensor) -> Tensor:
        """Return the gradient of a feature loss at `images` (n, C, H, W) in [0, 1]."""
        if loss not in self._slopes:
            step = partial(_feature_slope, self._inside, self._runtime, loss.of)
            self._slopes[loss] = Captured(step, self._runtime, self._capture)
        chunk = len(images) if loss.together else self._runtime.chunk
        return self._gradient(self._slopes[loss], chunk, images, labels)

    def _gradient(self, slope: Captured, chunk: int, images: Tensor, labels: Tensor) -> Tensor:
        self.passes += Passes(attack=len(images))
        parts = [slope(*part)[0] for part in zip(images.split(chunk), labels.split(chunk), strict=True)]
        return torch.cat(parts) if len(parts) > 1 else parts[0]

    def logits(self, images: Tensor) -> Tensor:
        """Return the logits (n, classes) of `images` (n, C, H, W) in [0, 1], as floats."""
        return self._forward(self._twin, images)

    def features(self, images: Tensor) -> Tensor:
        """Return the features (n, F) of `images` (n, C, H, W) in [0, 1], as floats."""
        return self._forward(self._inside, images)

    @torch.no_grad()
    def _forward(self, network: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
        self.passes += Passes(forward=len(images))
        with self._runtime.autocast():
            parts = [network(part) for part in images.split(self._runtime.chunk)]
        return torch.cat(parts).to(images.dtype)


class Features:
    """The input to a network's last layer with weights, whose output must be that of the network."""

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._watched = False
        self._listening = False
        self._last: tuple[Tensor, Tensor] | None = None

    def __call__(self, images: Tensor) -> Tensor:
        """Return the features (n, F) of images (n, C, H, W).

        Raises:
            ValueError: if the network changes the output of its last layer.
        """
        if not self._watched:
            for module in self._network.modules():
                if next(module.parameters(recurse=False), None) is not None:
                    module.register_forward_hook(self._note)
            self._watched = True
        self._listening = True
        logits = self._network(images)
        self._listening = False
        assert self._last
        (features, given), self._last = self._last, None
        if given.data_ptr() != logits.data_ptr():
            raise ValueError("this method needs a surrogate whose last layer outputs the logits; choose another")
        return features.flatten(1)

    def _note(self, _module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if self._listening:  # otherwise it would keep the tensors of other passes
            self._last = inputs[0], output


def _slope(twin: nn.Module, runtime: Runtime, images: Tensor, labels: Tensor) -> tuple[Tensor, ...]:
    with torch.enable_grad(), runtime.autocast():
        leaf = images.detach().requires_grad_()
        logits = twin(leaf)
        loss = functional.cross_entropy(logits.to(leaf.dtype), labels, reduction="sum")
    return torch.autograd.grad(loss, leaf)


def _feature_slope(
    inside: Features, runtime: Runtime, loss: Callable[[Tensor, Tensor], Tensor], images: Tensor, labels: Tensor
) -> tuple[Tensor, ...]:
    with torch.enable_grad():
        leaf = images.detach().requires_grad_()
        with runtime.autocast():
            features = inside(leaf)
        value = loss(features.to(leaf.dtype), labels)
    return torch.autograd.grad(value, leaf)


def sign_agreement(network: nn.Module, images: Tensor, labels: Tensor, runtime: Runtime) -> float:
    """Return the percentage of the entries of a gradient whose sign is the same in fp32.

    Args:
        network: placed on the runtime's device.
        images: (n, C, H, W) in [0, 1], where the gradient of the cross-entropy is taken.
        labels: int64 (n,).
        runtime: the precision to compare, and the device.
    """
    given, single = (
        FrozenNetwork(network, images[:2], at).gradient(images, labels).sign()
        for at in (runtime, replace(runtime, precision="fp32"))
    )
    return 100 * (given == single).float().mean().item()
