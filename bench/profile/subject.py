"""What is profiled: one network, one method and the numbers that they use."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from attacks.core.errors import RequestError
from attacks.core.settings import Precision
from attacks.methods import method, methods
from attacks.spec import Recipe
from bench.config.load import load_protocol
from bench.config.models import Setup
from bench.data import entry
from bench.data.dataset import Places
from victims.networks.names import parse_victim

if TYPE_CHECKING:
    from torch import nn

    from attacks.core.runtime import Runtime


@dataclass(frozen=True, kw_only=True)
class ProfileSubject:
    """A network and a method, on images of one size.

    Attributes:
        victim, method: their names.
        recipe: the method's recipe, one that has steps.
        setup: the protocol's numbers.
        channels, side: of the images that the network sees.
        classes: how many there are.
    """

    victim: str
    method: str
    recipe: Recipe
    setup: Setup
    channels: int
    side: int
    classes: int

    def runtime(self, device: str, precision: Precision) -> "Runtime":
        """Return the runtime of a device in one precision."""
        from attacks.core.runtime import Runtime
        from victims.networks.build import seen_side

        side = seen_side(self.victim, self.side, self.setup.weights_side)
        return Runtime.on(device, precision=precision, side=side)

    def build(self) -> "nn.Module":
        """Build the network, the same at every call."""
        from bench.run.making import built

        setup, shape = self.setup, (self.channels, self.side)
        return built(self.victim, setup, shape=shape, classes=self.classes, seed=0, side=setup.weights_side)


def subject(victim: str, name: str, *, protocol: str, dataset: str, size: int | None, places: Places) -> ProfileSubject:
    """Return the subject with these names; no image of the dataset is read.

    Args:
        victim, name: of the network and the method.
        protocol, dataset: names of the protocol and the dataset whose numbers are used.
        size: side of the images; None: the protocol's, or else the dataset's.
        places: where to look for a folder of images.

    Raises:
        RequestError: for an unknown name, a method without a surrogate loop, or a size not above the padding.
    """
    found, known = entry(dataset, places), method(name)
    parse_victim(victim)
    if not known.recipe.has_steps:
        names = ", ".join(one.name for one in methods().values() if one.recipe.has_steps)
        raise RequestError(f"method {known.name!r} has no surrogate loop to measure; choose --method from: {names}")
    setup = load_protocol(protocol).for_dataset(found.name)
    made = ProfileSubject(
        victim=victim,
        method=known.name,
        recipe=known.recipe,
        setup=setup,
        channels=found.shape[0],
        side=setup.augment.size or found.shape[1],
        classes=found.classes,
    )
    return made if size is None else _resized(made, size)


def _resized(made: ProfileSubject, size: int) -> ProfileSubject:
    if size <= made.setup.augment.padding:
        raise RequestError(f"--size {size} is not larger than the protocol's padding; give a larger one")
    augment = made.setup.augment
    setup = made.setup.model_copy(
        update={"augment": augment.model_copy(update={"size": size if augment.size else None})}
    )
    return replace(made, setup=setup, side=size)
