"""Workarounds for two faults of PyTorch on CPUs, in versions up to 2.15 at least."""

from functools import partial

import torch
from torch import Tensor, nn


def take_out_strides(network: nn.Module) -> None:
    """Replace the stride of 1x1 convolutions with few channels by subsampling their input; results stay the same.

    In fp32 and channels-last, computing their weight gradient writes out of bounds if there are fewer input channels
    than fit into a vector (oneDNN issue 6035): crashes, hangs and wrong gradients.
    """
    block = 16 if torch.backends.cpu.get_cpu_capability().startswith("AVX512") else 8
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1) and layer.in_channels < block:
            down, right = layer.stride
            if (down, right) != (1, 1) and layer.padding in {(0, 0), "valid"}:
                layer.stride = (1, 1)
                layer.register_forward_pre_hook(partial(_every, down, right))


def _every(down: int, right: int, _layer: nn.Module, given: tuple[Tensor]) -> tuple[Tensor]:
    return (given[0][..., ::down, ::right],)


def normalise_in_fp32(network: nn.Module) -> None:
    """Let all layer normalisations compute in fp32, whatever they are given; calling it again changes nothing.

    With bf16 inputs and fp32 parameters, as under autocast, PyTorch sums the gradients of weight and bias in bf16. Over
    thousands of rows the sums stall: over 8,192, a batch of 128 images in an MLP-Mixer, a bias gets about half of its
    gradient. CUDA's autocast normalises layers in fp32; here the CPU does too.
    """
    for layer in network.modules():
        if isinstance(layer, nn.LayerNorm):
            layer.register_forward_pre_hook(_in_fp32)


def _in_fp32(_layer: nn.Module, given: tuple[Tensor]) -> tuple[Tensor]:
    return (given[0].float(),)
