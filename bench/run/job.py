"""One cell with what is needed to run it."""

from collections.abc import Iterable
from dataclasses import dataclass

from attacks.core.cost import NONE, Passes
from attacks.core.numbers import PretrainedSurrogate
from bench.config.models import Cell, NoiseCell, Protocol, Setup


@dataclass(frozen=True, kw_only=True)
class Job:
    """One cell with what is needed to run it.

    Attributes:
        cell: the unit of work.
        noise: the cell whose noise it needs; itself for a noise.
        dataset: the dataset as the user named it, e.g. `folder:PATH`.
        method: the method as the user named it, e.g. `noise:PATH`.
        setup: the numbers of its protocol for its dataset.
        passes: image-passes that it will take, the most where its noise or preparation may end earlier.
        preparation: those among them that its countermeasure's preparation takes, once for all victims of its noise.
        network: the network that those passes go through, as the user named it; none for noises that need none.
        shape: (channels, side) of the images that the network sees.
        classes: how many there are.
        notes: what users should know of the dataset, a line each.
        pretraining: that of the victim whose weights it starts from, where this suite trains it; its passes are apart.
        keeps_weights: whether the cache is to keep the weights that it ends with.
    """

    cell: Cell
    noise: NoiseCell
    dataset: str
    method: str
    setup: Setup
    passes: Passes
    preparation: Passes = NONE
    network: str | None
    shape: tuple[int, int]
    classes: int
    notes: tuple[str, ...] = ()
    pretraining: "Job | None" = None
    keeps_weights: bool = False

    @property
    def weights_side(self) -> int | None:
        """The side that images are resized to for weights that expect a size of their own, where not to that."""
        if isinstance(self.cell, NoiseCell):
            return PretrainedSurrogate.of(self.setup.noise).side
        return self.setup.weights_side

    @property
    def protocols(self) -> tuple[Protocol, ...]:
        """The job's protocol, as far as it is known, for records of an older schema."""
        return protocols_of([self])


def protocols_of(jobs: Iterable[Job]) -> tuple[Protocol, ...]:
    """Return the protocols of jobs with the numbers for their datasets, for records of an older schema."""
    setups: dict[str, dict[str, Setup]] = {}
    for job in jobs:
        setups.setdefault(job.cell.protocol, {})[job.cell.dataset] = job.setup
    return tuple(
        Protocol(name=name, title="", setup=next(iter(found.values())), datasets=found)
        for name, found in setups.items()
    )
