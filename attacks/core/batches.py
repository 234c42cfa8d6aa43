"""Shuffled batches of indices."""

import torch
from torch import Tensor

from attacks.core.state import State


class Batches:
    """Batches for ever: a fresh permutation each epoch, its incomplete last batch left out.

    A set smaller than a batch is one batch.

    Args:
        count: images of the set.
        batch: images in a batch.
        generator: draws the permutations.
        whole: keep an epoch's incomplete last batch.
        fixed: draw one permutation, and go through it in every epoch.
    """

    def __init__(
        self, count: int, batch: int, generator: torch.Generator, *, whole: bool = False, fixed: bool = False
    ) -> None:
        self._count = count
        self._batch = min(batch, count)
        self._fewest = 1 if whole else self._batch
        self._fixed = fixed
        self._generator = generator
        self._epoch = self._order = torch.empty(0, dtype=torch.int64, device=generator.device)

    def draw(self) -> Tensor:
        """Return the indices of the next batch."""
        if len(self._order) < self._fewest:
            if not (self._fixed and len(self._epoch)):
                self._epoch = torch.randperm(self._count, generator=self._generator, device=self._generator.device)
            self._order = self._epoch
        index, self._order = self._order[: self._batch], self._order[self._batch :]
        return index

    def state(self) -> State:
        """Return what is left of this epoch, and the permutation where it is used again."""
        return {"order": self._order} | ({"epoch": self._epoch} if self._fixed else {})

    def restore(self, state: State) -> None:
        """Go on where a state was taken."""
        self._order = state["order"].to(self._order.device)
        self._epoch = state.get("epoch", self._epoch).to(self._epoch.device)
