"""Reference: no noise."""

from typing import TYPE_CHECKING

from attacks.recipes.drawn import Drawn
from attacks.spec import Method
from attacks.task import Task

if TYPE_CHECKING:
    from torch import Tensor


def zeros(task: Task) -> "Tensor":
    """Return zero noise."""
    import torch

    return task.runtime.empty(task.images.shape, torch.int8).zero_()


CLEAN = Method(
    name="clean",
    title="no noise: the victim trains on the original images",
    bound="0",
    labels=False,
    source="reference row",
    recipe=Drawn(draw=zeros),
    protects=False,
)
