"""Shuffled batches of indices."""

import torch
from torch import Tensor

from attacks.core.state import State


class Batches:
    """Endless batches: each epoch is a new permutation, whose incomplete last batch is dropped.

    A set smaller than a batch is one batch.

    Args:
        count: images in the set.
        batch: images in a batch.
        generator: draws the permutations.
        whole: keep the incomplete last batch of an epoch.
        fixed: draw one permutation and use it in every epoch.
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
        """Return the rest of this epoch, and the permutation if it is reused."""
        return {"order": self._order} | ({"epoch": self._epoch} if self._fixed else {})

    def restore(self, state: State) -> None:
        """Resume from a state."""
        self._order = state["order"].to(self._order.device)
        self._epoch = state.get("epoch", self._epoch).to(self._epoch.device)
