"""What a countermeasure is: what a trainer does to the images in order to learn despite the noise."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from attacks.core.cost import Passes
from attacks.core.settings import Reads, Section
from attacks.spec import Paper
from attacks.task import at_once

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from attacks.core.runtime import Runtime
    from attacks.core.state import Keeper

PART = 100  # images filtered at once


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Training images that a trainer is assumed to have both with and without their noise, uint8 (n, C, H, W) each.

    Attributes:
        clean, protected: the images, in the same order, on the runtime's device.
    """

    clean: "Tensor"
    protected: "Tensor"


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """The input of a preparation.

    torch's global random state is seeded too, so that the networks it builds always start alike.

    Attributes:
        images: the protected training images, uint8 (N, C, H, W), on the runtime's device.
        labels: their labels, int64 (N,), likewise.
        test: the test images, uint8 (M, C, H, W), likewise; nothing may be learnt from them.
        pairs: the leaked pairs that the countermeasure asks for; None without `Countermeasure.pairs`.
        classes: how many classes there are.
        settings: the protocol's countermeasure tables; `Own.of(settings)` gives the countermeasure's own numbers.
        network: (victim's name) -> that network for these images, freshly initialised, on the CPU.
        generator: the source of every random draw, on the runtime's device.
        runtime: device, precision, chunk size.
        report: called with (steps done, total steps).
        keeper: keeps the state of the work in case of interruption.
    """

    images: "Tensor"
    labels: "Tensor"
    test: "Tensor"
    pairs: Pairs | None
    classes: int
    settings: Section
    network: "Callable[[str], nn.Module]"
    generator: "torch.Generator"
    runtime: "Runtime"
    report: Callable[[int, int], None]
    keeper: "Keeper"


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """The result of a preparation.

    Attributes:
        images: the training images that the victim learns from, uint8 (N, C, H, W).
        test: the test images that it is evaluated on, uint8 (M, C, H, W); None if they are unchanged.
        passes: image-passes that the preparation took.
    """

    images: "Tensor"
    test: "Tensor | None" = None
    passes: Passes = field(default_factory=Passes)


@dataclass(frozen=True, kw_only=True)
class Countermeasure:
    """A named countermeasure: up to four hooks, each at a different point of a training.

    Attributes:
        name: as in records.
        title: the idea in one line.
        source: the paper or code that the algorithm is taken from.
        paper: where it was published; None if it was not.
        version: raised when a correction changes accuracies; older records are then marked, and their cells due again.
        reads: the tables of a protocol whose numbers decide what it does, beyond those of the training.
        prepare: changes the protected training set once, before any augmentation; for a mere filter of images,
            `stateless(filter)`.
        passes: (the protocol's tables of countermeasures, number of training images) -> the image-passes that `prepare`
            takes. If given, the preparation is made once per noise and kept for every victim that uses it.
        memory: (the protocol's tables of countermeasures, shape (C, H, W) of the images, number of classes) -> the
            bytes that `prepare` needs at least, and what to change if they are too many. None: little.
        pairs: (the protocol's tables of countermeasures) -> how many clean-protected pairs the trainer is assumed to
            have; they are drawn from the training images, all of these if there are fewer. None: no pairs.
        augment: (images (n, C, H, W) in [0, 1], generator) -> images; for each batch, after the random view.
        mix: (images, labels int64 (n,), classes, generator) -> (images, probabilities (n, classes)); for each batch,
            after `augment` and before any adversarial attack; not in stages that compare views of an image.
        draws: how many times each image of a batch is augmented and mixed, each time with new draws.
        early: share of the steps of a training stage with the usual loss, from the first on, with that many draws; the
            later ones have one draw.
        loss: (cross-entropies (draws, n)) -> losses (n,), whose mean is minimised; None: the mean over draws. As GPUs
            replay it as a CUDA graph, it may read only its argument and tensors that are changed in place.
    """

    name: str
    title: str
    source: str
    paper: Paper | None = None
    version: int = 1
    reads: Reads = ()
    prepare: Callable[[Preparation], Prepared] | None = None
    passes: Callable[[Section, int], Passes] | None = None
    memory: Callable[[Section, tuple[int, int, int], int], tuple[int, str]] | None = None
    pairs: Callable[[Section], int] | None = None
    augment: "Callable[[Tensor, torch.Generator], Tensor] | None" = None
    mix: "Callable[[Tensor, Tensor, int, torch.Generator], tuple[Tensor, Tensor]] | None" = None
    draws: int = 1
    early: float = 1.0
    loss: "Callable[[Tensor], Tensor] | None" = None

    @property
    def identity(self) -> str:
        """Its name and version, for a cell's key."""
        return f"{self.name}/{self.version}"


def stateless(change: "Callable[[Tensor], Tensor]", *, on_test: bool = False) -> Callable[[Preparation], Prepared]:
    """Return a preparation that changes each image independently and learns nothing.

    Args:
        change: uint8 (n, C, H, W) -> changed images of the same type and shape.
        on_test: whether test images are changed too.
    """

    def changed(images: "Tensor", runtime: "Runtime") -> "Tensor":
        return by_parts(lambda part: change(images[part]), images, runtime)

    def prepare(given: Preparation) -> Prepared:
        test = changed(given.test, given.runtime) if on_test else None
        return Prepared(images=changed(given.images, given.runtime), test=test)

    return prepare


def by_parts(change: "Callable[[slice], Tensor]", images: "Tensor", runtime: "Runtime", count: int = PART) -> "Tensor":
    """Apply a change to uint8 images (N, C, H, W), in parts to bound the memory.

    Args:
        change: a slice of the images -> these images, changed, uint8 (n, C, H, W).
        images, runtime, count: which images, on which device, and how many at once, if they are not large.
    """
    import torch

    count = at_once(images, count)
    made = runtime.empty(images.shape, torch.uint8)
    for start in range(0, len(images), count):
        part = slice(start, start + count)
        made[part] = change(part)
    return made
