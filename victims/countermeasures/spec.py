"""What a countermeasure is: what a victim does to its images in the hope of learning in spite of the noise."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from attacks.core.cost import Passes
from attacks.core.settings import Reads, Section
from attacks.spec import Paper

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from attacks.core.runtime import Runtime
    from attacks.core.state import Keeper

PART = 100  # images that are filtered at once


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Training images that a trainer is assumed to hold without their noise too, uint8 (n, C, H, W) each.

    Attributes:
        clean, protected: pair by pair, on the runtime's device.
    """

    clean: "Tensor"
    protected: "Tensor"


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """What a preparation is given.

    torch's global random state is seeded too, so that networks of its own start alike each time.

    Attributes:
        images: the protected training images, uint8 (N, C, H, W), on the runtime's device.
        labels: theirs, int64 (N,), likewise.
        test: the test images, uint8 (M, C, H, W), likewise; nothing may be learnt from them.
        pairs: the leaked ones that the countermeasure asks for, None without `Countermeasure.pairs`.
        classes: how many classes there are.
        settings: the protocol's tables of countermeasures; `Own.of(settings)` gives the numbers of its own table.
        network: (victim's name) -> that network for these images, freshly initialised and on the CPU.
        generator: every random draw comes from it; it lies on the runtime's device.
        runtime: device, precision, chunk size.
        report: called with (steps done, all steps).
        keeper: keeps the state of the work in case it is interrupted.
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
    """What a preparation gives.

    Attributes:
        images: the training images that the victim learns from, uint8 (N, C, H, W).
        test: the test images that it is shown, uint8 (M, C, H, W); None for those that there are.
        passes: image-passes that it took.
    """

    images: "Tensor"
    test: "Tensor | None" = None
    passes: Passes = field(default_factory=Passes)


@dataclass(frozen=True, kw_only=True)
class Countermeasure:
    """A named countermeasure: up to four hooks, each at its own point of a training.

    Attributes:
        name: as in records.
        title: one line on the idea.
        source: paper or code that the algorithm is taken from.
        paper: where it was published; None where it was not.
        version: raised when a correction changes accuracies; older records are then marked, and their cells due again.
        reads: the tables of a protocol whose numbers decide what it does, beyond those of the training.
        prepare: changes the protected training set once, before any augmentation; what only filters images is
            `stateless(filter)`.
        passes: (the protocol's tables of countermeasures, training images) -> the image-passes that `prepare` takes.
            With it, the preparation is made once for a noise and kept for every victim that uses it.
        pairs: (the protocol's tables of countermeasures) -> how many clean-protected pairs the trainer is assumed to
            hold; they are drawn from the training images, all of these where there are fewer. Absent, none.
        augment: (images (n, C, H, W) in [0, 1], generator) -> images; each batch, after the random view.
        mix: (images, labels int64 (n,), classes, generator) -> (images, probabilities (n, classes)); each batch, after
            `augment` and before any adversarial attack.
        draws: how often each image of a batch is augmented and mixed, each time with new draws.
        early: in which share of a training's steps, from the first on, it is drawn so often; after them it is once.
        loss: (cross-entropies (draws, n)) -> losses (n,), whose mean is learnt; absent, the mean over draws.
    """

    name: str
    title: str
    source: str
    paper: Paper | None = None
    version: int = 1
    reads: Reads = ()
    prepare: Callable[[Preparation], Prepared] | None = None
    passes: Callable[[Section, int], Passes] | None = None
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
    """Return a preparation that changes each image by itself and learns nothing.

    Args:
        change: uint8 (n, C, H, W) -> the same.
        on_test: whether test images are changed too.
    """

    def changed(images: "Tensor", runtime: "Runtime") -> "Tensor":
        return by_parts(lambda part: change(images[part]), images, runtime)

    def prepare(given: Preparation) -> Prepared:
        test = changed(given.test, given.runtime) if on_test else None
        return Prepared(images=changed(given.images, given.runtime), test=test)

    return prepare


def by_parts(change: "Callable[[slice], Tensor]", images: "Tensor", runtime: "Runtime", count: int = PART) -> "Tensor":
    """Return what a change makes of uint8 images (N, C, H, W), `count` at a time, which bounds the memory.

    Args:
        change: a slice of the images -> what it makes of these, uint8 (n, C, H, W).
        images, runtime, count: of which images, where, and how many at once.
    """
    import torch

    made = runtime.empty(images.shape, torch.uint8)
    for start in range(0, len(images), count):
        part = slice(start, start + count)
        made[part] = change(part)
    return made
