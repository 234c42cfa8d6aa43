"""Count the arithmetic and the memory traffic of a computation, operation by operation."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry


@dataclass(frozen=True, kw_only=True)
class Work:
    """Floating-point operations (a multiply-add counts as two), and bytes that operations read and wrote.

    The bytes are what would go through memory if no operation found its inputs in a cache.
    """

    flops: int
    traffic: int

    @property
    def intensity(self) -> float:
        """Floating-point operations per byte."""
        return self.flops / self.traffic


def count(action: Callable[[], object]) -> Work:
    """Run `action` once and count its work."""
    with _Counter() as counter:
        action()
    return Work(flops=counter.flops, traffic=counter.traffic)


class _Counter(TorchDispatchMode):
    """Adds up the operations' arithmetic, and the bytes of their inputs and outputs.

    Operations that only view memory move none. (torch's own FlopCounterMode follows modules through the
    backward pass, which `autograd.grad` does not allow.)
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flops = self.traffic = 0

    def __torch_dispatch__(self, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run one operation and count it."""
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        if (formula := flop_registry.get(func.overloadpacket)) is not None:
            self.flops += formula(*args, **kwargs, out_val=out)
        if not func.is_view:
            tensors = (leaf for leaf in tree_leaves((args, kwargs, out)) if isinstance(leaf, torch.Tensor))
            self.traffic += sum(tensor.numel() * tensor.element_size() for tensor in tensors)
        return out
