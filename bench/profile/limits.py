"""What this machine can do at most: large matrix products, and copies of memory."""

from dataclasses import dataclass

import torch

from attacks.core.runtime import Runtime
from bench.profile.stopwatch import repeat

_SIDES = {"cpu": 1536, "cuda": 8192}  # of the matrices
_BYTES = {"cpu": 2**27, "cuda": 2**30}  # of the copied block, far above any cache
BUDGET = 0.5  # seconds


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Floating-point operations and bytes (read and written) per second."""

    flops: float
    bandwidth: float

    def at(self, intensity: float) -> float:
        """Return the floating-point operations per second that are possible at so many per byte."""
        return min(self.flops, intensity * self.bandwidth)


def limits(runtime: Runtime, dtype: torch.dtype) -> Limits:
    """Measure a device in one type; the best of some rounds counts."""
    kind = runtime.device.type
    side = _SIDES[kind]
    one = torch.rand(side, side, device=runtime.device).to(dtype)
    product = torch.empty_like(one)
    block = torch.zeros(_BYTES[kind] // one.element_size(), dtype=dtype, device=runtime.device)
    copy = torch.zeros_like(block)
    multiply = min(repeat(lambda: torch.matmul(one, one, out=product), runtime, budget=BUDGET))
    move = min(repeat(lambda: copy.copy_(block), runtime, budget=BUDGET))
    return Limits(flops=2 * side**3 / multiply, bandwidth=2 * _BYTES[kind] / move)
