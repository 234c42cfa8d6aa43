"""What a countermeasure is: what a victim does to its images in the hope of learning in spite of the noise."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
        version: raised when a correction changes accuracies, so that older records no longer count.
        prepare: (images uint8 (N, C, H, W), labels int64 (N,)) -> images uint8; once, on the whole protected training
            set, before any augmentation.
        on_test: whether test images pass through `prepare` too.
        augment: (images (n, C, H, W) in [0, 1], generator) -> images; each batch, after the random view.
        mix: (images, labels int64 (n,), classes, generator) -> (images, probabilities (n, classes)); each batch, after
            `augment` and before any adversarial attack.
    """

    name: str
    title: str
    source: str
    version: int = 1
    prepare: "Callable[[Tensor, Tensor], Tensor] | None" = None
    on_test: bool = False
    augment: "Callable[[Tensor, torch.Generator], Tensor] | None" = None
    mix: "Callable[[Tensor, Tensor, int, torch.Generator], tuple[Tensor, Tensor]] | None" = None
