"""Remove a network's first strides, so that small images are not shrunk to a single pixel.

Some networks do not allow this (a fixed grid of tokens, branches that must meet at one size); each step is therefore
tried on one image and undone unless the network gets further or its last map grows.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn

GOAL = 4


@dataclass(kw_only=True)
class _Trace:
    """The path of one image: how many layers it reached, the last map's side, and the strided layers by input side."""

    reached: int = 0
    side: int = 0
    strided: list[tuple["nn.Module", int]] = field(default_factory=list)

    @property
    def progress(self) -> tuple[int, int]:
        return self.reached, self.side


def unstride(network: "nn.Module", *, channels: int, size: int) -> None:
    """Remove strides from the front until the last map is 4x4 (3x3 at 28 pixels), or no stride is left.

    A step halves the stride of the earliest strided convolution or pooling layer and of all layers with the same input
    side, so that shortcuts still match. A convolution whose kernel tiles its input (kernel = stride) keeps tiling: its
    kernel is cut to the new stride. Pooling layers become the identity.

    Args:
        network: a timm classifier, changed in place.
        channels, size: of its images.
    """
    import torch

    parameter = next(network.parameters())
    image = torch.zeros(2, channels, size, size, device=parameter.device)
    goal = max(1, min(GOAL, size // 8))
    given_up: set[nn.Module] = set()
    trace = _follow(network, image)
    while trace.side < goal:
        level = _first_level(trace, given_up)
        if not level:
            return
        undo = [_halve(layer) for layer in level]
        after = _follow(network, image)
        if after.progress > trace.progress:
            trace = after
        else:
            given_up |= level
            for step in undo:
                step()


def _follow(network: "nn.Module", image: "torch.Tensor") -> _Trace:
    """Run the network in eval mode, as far as it gets, and return its trace."""
    import torch
    from torch import nn

    trace = _Trace()

    def note(layer: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        trace.reached += 1
        if _stride(layer) > 1:
            trace.strided.append((layer, inputs[0].shape[-1]))

    layers = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d, nn.Linear)
    hooks = [layer.register_forward_pre_hook(note) for layer in network.modules() if isinstance(layer, layers)]
    training = network.training
    network.eval()
    try:
        with torch.no_grad():
            network(image)
            trace.side = _side(network.forward_features(image))  # type: ignore[operator]
    except Exception:  # noqa: BLE001, S110 - each network refuses a size in its own way; how far it got is the answer
        pass
    finally:
        network.train(training)
        for hook in hooks:
            hook.remove()
    return trace


def _first_level(trace: _Trace, given_up: set["nn.Module"]) -> set["nn.Module"]:
    left = [(layer, side) for layer, side in trace.strided if layer not in given_up]
    return {layer for layer, side in left if side == left[0][1]}


def _side(features: Any) -> int:
    """Return the side of a map `(N, C, H, W)` or `(N, H, W, C)`, or of a grid of tokens `(N, L, C)`; else 1."""
    shape: tuple[int, ...] = getattr(features, "shape", ())
    if len(shape) == 4:
        return shape[2]
    return math.isqrt(shape[1]) if len(shape) == 3 else 1


def _stride(layer: "nn.Module") -> int:
    stride: int | tuple[int, ...] = getattr(layer, "stride", 1)
    return stride if isinstance(stride, int) else max(stride)


def _halve(layer: Any) -> Callable[[], None]:
    """Halve the stride of a convolution, or make a pooling layer the identity; return a function that undoes it."""
    from torch import nn

    names = [name for name in ("kernel_size", "stride", "padding", "weight") if hasattr(layer, name)]
    before = {name: getattr(layer, name) for name in names}

    def undo() -> None:
        for name, value in before.items():
            setattr(layer, name, value)

    if not isinstance(layer, nn.Conv2d):
        layer.kernel_size, layer.stride, layer.padding = (1, 1), (1, 1), (0, 0)
        return undo
    tiles = layer.kernel_size == layer.stride and layer.padding in ((0, 0), "valid")
    layer.stride = tuple(max(1, step // 2) for step in layer.stride)
    if tiles:
        high, wide = layer.stride
        layer.kernel_size = layer.stride
        layer.weight = nn.Parameter(layer.weight.detach()[:, :, :high, :wide].clone())
    return undo
