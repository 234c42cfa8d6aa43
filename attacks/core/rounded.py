"""bf16 on CPUs that have no instructions for it: products in fp32, of operands and to results rounded to bf16.

A product of two bf16 numbers is exact in fp32, and CPUs with such instructions sum in fp32 as well. So the results
differ only by the order of summation, and PyTorch's own way on these CPUs is several times slower.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

_ROUNDED = {torch.float32, torch.bfloat16}  # what autocast casts
_PRODUCTS = {
    *(functional.conv1d, functional.conv2d, functional.conv3d),
    *(functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d),
    *(functional.linear, functional.scaled_dot_product_attention, torch.einsum),
    *(torch.matmul, Tensor.matmul, Tensor.__matmul__, Tensor.__rmatmul__, torch.mm, Tensor.mm, torch.bmm, Tensor.bmm),
    *(torch.addmm, Tensor.addmm, torch.baddbmm, Tensor.baddbmm),
}


def has_bf16() -> bool:
    """Return whether torch has fast bf16 on this CPU."""
    return torch.backends.mkldnn.is_available() and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # noqa: SLF001


class RoundedProducts(TorchFunctionMode):
    """While this is entered and autocast is on, convolutions and matrix products run in fp32 on rounded operands."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """Call a function of torch, in fp32 if it is a product."""
        if func not in _PRODUCTS or not torch.is_autocast_enabled("cpu"):
            return func(*args, **(kwargs or {}))
        with torch.autocast("cpu", enabled=False):
            found = func(*(_round(one) for one in args), **{name: _round(one) for name, one in (kwargs or {}).items()})
        return found.to(torch.bfloat16) if found.dtype == torch.float32 else found


def _round(operand: Any) -> Any:
    if isinstance(operand, Tensor):
        return operand.to(torch.bfloat16).to(torch.float32) if operand.dtype in _ROUNDED else operand
    return type(operand)(map(_round, operand)) if type(operand) in {list, tuple} else operand
