"""Reference: random noise, uniform within `rho_u`."""

from typing import TYPE_CHECKING

from attacks.recipes.drawn import Drawn
from attacks.spec import Method
from attacks.task import Task, chunks

if TYPE_CHECKING:
    from torch import Tensor


def uniform(task: Task) -> "Tensor":
    """Return noise drawn uniformly within `rho_u`, rounded to the 1/255 grid."""
    import torch

    rho_u, on_cpu = task.settings.rho_u, task.images.device.type == "cpu"
    noise = task.runtime.empty(task.images.shape, torch.int8)
    for part in chunks(task.images) if on_cpu else [slice(None)]:  # on a GPU, splitting a draw changes its numbers
        drawn = task.images.new_empty(noise[part].shape, dtype=task.runtime.dtype)
        noise[part] = drawn.uniform_(-rho_u, rho_u, generator=task.generator).round_().char()
    return noise


RANDOM = Method(
    name="random",
    title="uniform noise: the effect of noise magnitude alone",
    bound="L-inf rho_u",
    labels=False,
    source="reference row",
    recipe=Drawn(draw=uniform, reads=("noise",)),
)
