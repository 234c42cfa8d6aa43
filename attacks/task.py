"""The input and the output of a recipe."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from attacks.core.cost import NONE, Passes
from attacks.core.settings import Augment, NoiseSettings

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from attacks.core.runtime import Runtime
    from attacks.core.state import Keeper

# image entries per chunk; decides the order of the random draws, so not a tuning knob for speed
ENTRIES = 2**23


@dataclass(frozen=True, kw_only=True)
class Task:
    """The input of a recipe.

    Attributes:
        images: uint8 (N, C, H, W), on the runtime's device.
        labels: int64 (N,), likewise.
        classes: number of classes.
        dataset: digest of the dataset that the images are from.
        settings: the protocol's numbers.
        augment: the protocol's random view.
        network: builds the surrogate, freshly initialised; called at most once. The keyword arguments `stem` and
            `mean` override those of the protocol's networks.
        generator: the source of every random draw, on the runtime's device.
        runtime: device, precision, chunk size.
        report: called with (work done, total work), in a unit of the recipe's choice.
        keeper: keeps the state of the work in case of interruption.
        passes: the image-passes that the recipe will make, for recipes that report their work in these, since their
            steps differ much in cost.
    """

    images: "Tensor"
    labels: "Tensor"
    classes: int
    dataset: str
    settings: NoiseSettings
    augment: Augment
    network: "Callable[..., nn.Module]"
    generator: "torch.Generator"
    runtime: "Runtime"
    report: Callable[[float, float], None]
    keeper: "Keeper"
    passes: Passes = NONE

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the images."""
        return self.images.shape[2], self.images.shape[3]

    def pixels(self, index: "Tensor") -> "Tensor":
        """Return the images at `index`, (n, C, H, W) in [0, 1]."""
        return self.runtime.pixels(self.images[index])


@dataclass(frozen=True, kw_only=True)
class NoiseResult:
    """The output of a recipe.

    Attributes:
        noise: (N, C, H, W) in units of 1/255; int8, or int16 if an entry may lie outside -127 to 127.
        passes: image-passes used; None if unknown.
        exhausted: whether a budget ended the work before the method's own stopping rule was met.
        sign_agreement: percentage of the entries of a gradient, on images with this noise, whose sign is the same in
            fp32; None if no lower precision was used.
        warm_up: seconds spent on capturing CUDA graphs, which do not count as work.
        eager: one line on why CUDA graphs could not be used on a GPU; None if there was no such problem.
    """

    noise: "Tensor"
    passes: Passes | None = field(default_factory=Passes)
    exhausted: bool = False
    sign_agreement: float | None = None
    warm_up: float = 0.0
    eager: str | None = None


def chunks(images: "Tensor") -> Iterator[slice]:
    """Yield slices of a set of images (N, C, H, W), in order, each small enough to bound the memory used."""
    count = at_once(images, len(images))
    for start in range(0, len(images), count):
        yield slice(start, start + count)


def at_once(items: "Tensor", most: int) -> int:
    """Return how many images or other items (N, ...) to process at once: `most`, or fewer if they are large."""
    return max(1, min(most, ENTRIES // items[0].numel()))
