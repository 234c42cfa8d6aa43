"""What a countermeasure is: what a victim does to its images in the hope of learning in spite of the noise."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from attacks.settings import Reads

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Countermeasure:
    """A named countermeasure: up to three hooks, each at its own point of a training.

    Attributes:
        name: as in records.
        title: one line on the idea.
        source: paper or code that the algorithm is taken from.
        version: raised when a correction changes accuracies; older records are then marked, and their cells due again.
        prepare: (images uint8 (N, C, H, W), labels int64 (N,)) -> images uint8; once, on the whole protected training
            set, before any augmentation.
        on_test: whether test images pass through `prepare` too.
        augment: (images (n, C, H, W) in [0, 1], generator) -> images; each batch, after the random view.
        mix: (images, labels int64 (n,), classes, generator) -> (images, probabilities (n, classes)); each batch, after
            `augment` and before any adversarial attack.
        reads: the tables of a protocol whose numbers decide what it does, beyond those of the training.
    """

    name: str
    title: str
    source: str
    version: int = 1
    prepare: "Callable[[Tensor, Tensor], Tensor] | None" = None
    on_test: bool = False
    augment: "Callable[[Tensor, torch.Generator], Tensor] | None" = None
    mix: "Callable[[Tensor, Tensor, int, torch.Generator], tuple[Tensor, Tensor]] | None" = None
    reads: Reads = ()

    @property
    def identity(self) -> str:
        """Its name and version, for a cell's key."""
        return f"{self.name}/{self.version}"
