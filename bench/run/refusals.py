"""Refuse impossible plans: crops larger than images, trainings that lack weights, shares of no image."""

import logging
import re
from collections.abc import Iterable, Sequence

from attacks.core.errors import RequestError, several, unknown
from attacks.methods import method
from bench.config.axes import ALL, AXES
from bench.config.models import Grid, Protocol, Setup, VictimCell
from bench.data import dataset_names
from bench.data.dataset import Entry
from bench.run.draws import count_protected
from bench.run.job import Job
from victims.networks.names import parse_victim
from victims.networks.stems.policy import SMALL
from victims.networks.weights.packaged import LITE0
from victims.recipes import training

log = logging.getLogger(__name__)


def check_fit(setup: Setup, found: Entry, protocol: str) -> None:
    """Refuse a protocol whose crop or padding is too large for a dataset's images.

    Raises:
        RequestError: if it is.
    """
    side = min(found.shape[1:])
    for augment in filter(None, (setup.augment, setup.victim.augment)):
        if (augment.size or 0) > side or augment.padding >= side:
            raise RequestError(
                f"protocol {protocol!r} crops {augment.size or side} pixels with a padding of "
                f"{augment.padding}, too much for images of {side} pixels ({found.name}); choose another protocol "
                "or larger images"
            )


def check_weights(cells: Iterable[tuple[str, VictimCell]]) -> None:
    """Refuse a training that starts from weights for a victim that has none.

    Args:
        cells: victim cells, each with the victim as the user named it.

    Raises:
        RequestError: if there is one.
    """
    for network, cell in cells:
        if training(cell.training).pretrained and "weights" not in cell.inputs:
            raise RequestError(
                f"training {cell.training!r} needs a victim with weights, not {network!r}; "
                f"give one, e.g. {LITE0.name}, or exclude the pair from the grid"
            )


def check_shares(found: Entry, cells: Iterable[VictimCell]) -> None:
    """Refuse a share that rounds to none or all of a dataset's training images.

    Raises:
        RequestError: if there is one.
    """
    for share in sorted({cell.share for cell in cells} - {ALL}):
        if (protected := count_protected(found.train, share)) in {0, found.train}:
            raise RequestError(
                f"a share of {share}% protects {protected} of the {found.train} training images of {found.name}; "
                "choose one that protects some and leaves some"
            )


def check_pretraining(victim: str, job: Job, pretraining: Job) -> None:
    """Refuse weights that would be pretrained on images of another shape than the victim's, or with another stem.

    Args:
        victim: the victim's name.
        job: a job on the victim's dataset.
        pretraining: the job that trains the weights.

    Raises:
        RequestError: if they would not fit the victim.
    """
    if job.shape != pretraining.shape:
        found, wanted = (
            f"{side}x{side} pixels and {several(channels, 'channel')}"
            for channels, side in (pretraining.shape, job.shape)
        )
        raise RequestError(
            f"victim {victim!r} would be pretrained on images of {found}, not of {wanted}; name a pretraining dataset "
            "of the same size and channels"
        )
    stem, own = pretraining.setup.stem, job.setup.stem
    if stem != own and job.shape[1] >= SMALL and parse_victim(str(pretraining.network)).policy.by_protocol:
        raise RequestError(
            f"victim {victim!r} would be pretrained with the stem {stem!r}, and then have the stem {own!r}: protocol "
            f"{job.cell.protocol!r} gives {pretraining.cell.dataset} and {job.cell.dataset} different ones; give both "
            f"the same, e.g. --set setup.stem={stem}"
        )


def check_tables(protocol: Protocol, planned: set[str]) -> None:
    """Refuse a protocol's numbers for a dataset whose name differs only in case or punctuation from a planned one.

    Other unknown names may be those of folders that other grids use: that they are not used here is logged.

    Args:
        protocol: the protocol.
        planned: the names in records of the datasets that its numbers are used for.

    Raises:
        RequestError: if there are such numbers.
    """
    meant = {_letters(name): name for name in planned - protocol.datasets.keys()}
    for name in sorted(protocol.datasets.keys() - planned - set(dataset_names())):
        if near := meant.get(_letters(name)):
            raise RequestError(f"protocol {protocol.name!r}: {unknown('dataset', name, [near])}")
        log.warning("protocol %r: the numbers for %r are not used; no dataset here has that name", protocol.name, name)


def _letters(name: str) -> str:
    """Return the letters and digits of a name, in lower case."""
    return re.sub("[^a-z0-9]", "", name.lower())


def check_exclusions(grid: Grid, datasets: Sequence[str], methods: Sequence[str], victims: Sequence[str]) -> None:
    """Refuse an exclusion with a value that is not in the grid's list for that field: it would exclude nothing.

    Args:
        grid: the grid.
        datasets, methods, victims: the names in its lists, as in records.

    Raises:
        RequestError: if there is one.
    """
    lists: dict[str, Sequence[object]] = {axis.field: getattr(grid, axis.listed) for axis in AXES if axis.listed} | {
        "dataset": datasets,
        "method": [method(name).name for name in methods],
        "victim": victims,
        "share": [share or ALL for share in grid.shares],  # a share of 0 is recorded as all images with no noise
    }
    for exclusion in grid.exclude:
        for field, value in exclusion.model_dump(exclude_none=True).items():
            if value not in lists[field]:
                found = unknown(field, str(value), map(str, lists[field]))
                raise RequestError(f"grid {grid.name!r}: an exclusion names an {found}")
