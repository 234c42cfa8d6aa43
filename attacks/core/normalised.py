"""A workaround for a PyTorch fault in layer normalisation on CPUs.

With bf16 inputs and fp32 parameters, as under autocast, PyTorch (up to 2.15 at least) sums the gradients of weight and
bias in bf16. Over thousands of rows the sums stall: over 8,192, a batch of 128 images in an MLP-Mixer, a bias gets
about half of its gradient. CUDA's autocast normalises layers in fp32; here the CPU does too.
"""

from torch import Tensor, nn


def normalise_in_fp32(network: nn.Module) -> None:
    """Let all layer normalisations compute in fp32, whatever they are given; calling it again changes nothing."""
    for layer in network.modules():
        if isinstance(layer, nn.LayerNorm):
            layer.register_forward_pre_hook(_in_fp32)


def _in_fp32(_layer: nn.Module, given: tuple[Tensor]) -> tuple[Tensor]:
    return (given[0].float(),)
