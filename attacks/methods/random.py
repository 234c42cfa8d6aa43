"""The reference row of noise that knows nothing."""

from typing import TYPE_CHECKING

from attacks.recipes.drawn import Drawn
from attacks.spec import Method
from attacks.task import Task

if TYPE_CHECKING:
    from torch import Tensor


def uniform(task: Task) -> "Tensor":
    """Return noise uniform in `rho_u`, rounded to the 1/255 grid."""
    rho_u = task.settings.rho_u
    drawn = task.images.new_empty(task.images.shape, dtype=task.runtime.dtype)
    return drawn.uniform_(-rho_u, rho_u, generator=task.generator).round_().char()


RANDOM = Method(
    name="random",
    title="uniform noise: the effect of noise magnitude alone",
    bound="L-inf rho_u",
    labels=False,
    source="reference row",
    recipe=Drawn(draw=uniform, reads=("noise",)),
)
