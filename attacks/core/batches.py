"""Shuffled batches of indices."""

import torch
from torch import Tensor

from attacks.core.state import State


class Batches:
    """Batches for ever: a fresh permutation each epoch, its incomplete last batch left out.

    A set smaller than a batch is one batch.
    """

    def __init__(self, count: int, batch: int, generator: torch.Generator) -> None:
        self._count = count
        self._batch = min(batch, count)
        self._generator = generator
        self._order = torch.empty(0, dtype=torch.int64, device=generator.device)

    def draw(self) -> Tensor:
        """Return the indices of the next batch."""
        if len(self._order) < self._batch:
            self._order = torch.randperm(self._count, generator=self._generator, device=self._generator.device)
        index, self._order = self._order[: self._batch], self._order[self._batch :]
        return index

    def state(self) -> State:
        """Return what is left of this epoch."""
        return {"order": self._order}

    def restore(self, state: State) -> None:
        """Go on where a state was taken."""
        self._order = state["order"].to(self._order.device)
