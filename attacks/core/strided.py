"""A workaround for a oneDNN bug in strided 1x1 convolutions on CPUs.

In fp32 and channels-last, computing their weight gradient writes out of bounds if there are fewer input channels than
fit into a vector (oneDNN issue 6035, in PyTorch up to 2.15 at least): crashes, hangs and wrong gradients.
"""

from functools import partial

import torch
from torch import Tensor, nn


def take_out_strides(network: nn.Module) -> None:
    """Replace the stride of 1x1 convolutions with few channels by subsampling their input; results stay the same."""
    block = 16 if torch.backends.cpu.get_cpu_capability().startswith("AVX512") else 8
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1) and layer.in_channels < block:
            down, right = layer.stride
            if (down, right) != (1, 1) and layer.padding in {(0, 0), "valid"}:
                layer.stride = (1, 1)
                layer.register_forward_pre_hook(partial(_every, down, right))


def _every(down: int, right: int, _layer: nn.Module, given: tuple[Tensor]) -> tuple[Tensor]:
    return (given[0][..., ::down, ::right],)
