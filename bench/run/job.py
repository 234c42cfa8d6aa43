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
        noise: the noise cell that it needs; the cell itself if it is a noise.
        dataset: the dataset as the user named it, e.g. `folder:PATH`.
        method: the method as the user named it, e.g. `noise:PATH`.
        setup: the numbers of its protocol for its dataset.
        passes: image-passes that it will take, an upper bound if its noise or preparation may stop early.
        preparation: the part of them for its countermeasure's preparation, done once for all victims of its noise.
        network: the network that is trained or attacked, as the user named it; None for noises that need none.
        shape: (channels, side) of the images that the network sees.
        classes: number of classes.
        notes: what users should know about the dataset, a line each.
        pretraining: the job that trains the weights it starts from, if this benchmark does; not counted in `passes`.
        keeps_weights: whether to keep the final weights in the cache.
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
        """The side that images are resized to where weights expect their own size; None for that size."""
        if isinstance(self.cell, NoiseCell):
            return PretrainedSurrogate.of(self.setup.noise).side
        return self.setup.weights_side

    @property
    def protocols(self) -> tuple[Protocol, ...]:
        """The job's protocol, as far as it is known, used to read records of an older schema."""
        return protocols_of([self])


def protocols_of(jobs: Iterable[Job]) -> tuple[Protocol, ...]:
    """Return the protocols of jobs with the numbers for their datasets, used to read records of an older schema."""
    setups: dict[str, dict[str, Setup]] = {}
    for job in jobs:
        setups.setdefault(job.cell.protocol, {})[job.cell.dataset] = job.setup
    return tuple(
        Protocol(name=name, title="", setup=next(iter(found.values())), datasets=found)
        for name, found in setups.items()
    )
