"""Noise that needs no network, computed directly from the task."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from attacks.core.settings import Reads
from attacks.spec import Recipe
from attacks.task import NoiseResult, Task

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Drawn(Recipe):
    """Noise that needs no network.

    Attributes:
        draw: task -> noise (N, C, H, W) in units of 1/255, int8 or int16.
        reads: the protocol tables that `draw` reads.
    """

    draw: Callable[[Task], "Tensor"]
    reads: Reads = ()

    def make(self, task: Task) -> NoiseResult:
        """Draw the noise."""
        noise = self.draw(task)
        task.report(1, 1)
        return NoiseResult(noise=noise)
