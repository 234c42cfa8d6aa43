"""What a recipe is given, and what it gives."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from attacks.core.cost import Passes
from attacks.core.settings import Augment, NoiseSettings

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from attacks.core.runtime import Runtime
    from attacks.core.state import Keeper

# entries of the images of a chunk: part of the order of the random draws, so not a knob of speed
ENTRIES = 2**23


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a recipe is given.

    Attributes:
        images: uint8 (N, C, H, W), on the runtime's device.
        labels: int64 (N,), likewise.
        classes: how many classes there are.
        dataset: the digest of the dataset that they are from.
        settings: the protocol's numbers.
        augment: the protocol's random view.
        network: builds the surrogate, freshly initialised; called at most once. It takes by name the `stem` and the
            `mean` of a surrogate that is not to have those of the protocol's networks.
        generator: every random draw comes from it; it lies on the runtime's device.
        runtime: device, precision, chunk size.
        report: called with (steps done, all steps).
        keeper: keeps the state of the work in case it is interrupted.
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
    report: Callable[[int, int], None]
    keeper: "Keeper"


@dataclass(frozen=True, kw_only=True)
class NoiseResult:
    """What a recipe gives.

    Attributes:
        noise: (N, C, H, W) in units of 1/255; int8, or int16 where an entry may lie outside -127 to 127.
        passes: image-passes that it took; None where that is not known.
        exhausted: whether a budget ended the work before its own stopping rule did.
        sign_agreement: percent of the entries of a gradient, on images with this noise, whose sign is the same in
            fp32; None where no precision below that was used.
        warm_up: seconds of the time it took that went into capturing CUDA graphs, which is not part of the work.
        eager: why CUDA graphs were not used on a GPU, in one line; None where nothing was wrong with them.
    """

    noise: "Tensor"
    passes: Passes | None = field(default_factory=Passes)
    exhausted: bool = False
    sign_agreement: float | None = None
    warm_up: float = 0.0
    eager: str | None = None


def chunks(images: "Tensor") -> Iterator[slice]:
    """Yield the parts of a set of images (N, C, H, W), in order, that bound the memory of work on each."""
    count = at_once(images, len(images))
    for start in range(0, len(images), count):
        yield slice(start, start + count)


def at_once(items: "Tensor", most: int) -> int:
    """Return how many images or other items (N, ...) are worked on together: `most`, or fewer where they are large."""
    return max(1, min(most, ENTRIES // items[0].numel()))
