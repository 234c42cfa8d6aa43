"""bf16 on CPUs where oneDNN does not support it: products are computed in fp32, with operands and results rounded.

The product of two bf16 numbers is exact in fp32, and bf16 hardware also accumulates in fp32, so results differ only in
the order of summation; attention and `einsum` of more than two tensors are also rounded less often.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

_PRODUCTS = {
    *(functional.conv1d, functional.conv2d, functional.conv3d),
    *(functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d),
    *(functional.linear, functional.scaled_dot_product_attention, torch.einsum),
    *(torch.matmul, Tensor.matmul, Tensor.__matmul__, Tensor.__rmatmul__, torch.mm, Tensor.mm, torch.bmm, Tensor.bmm),
    *(torch.addmm, Tensor.addmm, torch.baddbmm, Tensor.baddbmm),
}


def has_bf16() -> bool:
    """Return whether oneDNN supports bf16 on this CPU."""
    return torch.backends.mkldnn.is_available() and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # noqa: SLF001


class EmulatedBf16(TorchFunctionMode):
    """In this context, while autocast is on, convolutions and matrix products run in fp32 on rounded operands."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """Call a torch function, in fp32 if it is a product."""
        kwargs = kwargs or {}
        if func not in _PRODUCTS or "out" in kwargs or not torch.is_autocast_enabled("cpu"):
            return func(*args, **kwargs)
        with torch.autocast("cpu", enabled=False):
            found = func(*(_round(one) for one in args), **{name: _round(one) for name, one in kwargs.items()})
        return found.to(torch.bfloat16) if found.dtype == torch.float32 else found


def _round(operand: Any) -> Any:
    """Round what autocast would cast: all floating-point tensors except double precision."""
    if isinstance(operand, Tensor):
        is_cast = operand.is_floating_point() and operand.dtype != torch.float64
        return operand.to(torch.bfloat16).to(torch.float32) if is_cast else operand
    return type(operand)(map(_round, operand)) if type(operand) in {list, tuple} else operand
