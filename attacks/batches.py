"""Shuffled batches of indices."""

from collections.abc import Iterator

import torch
from torch import Tensor


def shuffled(count: int, batch: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield batches of indices for ever: a fresh permutation each epoch, its incomplete last batch left out.

    A set smaller than a batch is one batch.
    """
    batch = min(batch, count)
    while True:
        order = torch.randperm(count, generator=generator, device=generator.device)
        yield from order[: count - count % batch].split(batch)
