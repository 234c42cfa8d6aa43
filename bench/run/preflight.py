"""Checks before anything runs. `plan` refuses whatever `run` would, as far as that shows without reading images."""

import sys
import tempfile
from collections.abc import Hashable, Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

from attacks.core.errors import RequestError
from attacks.core.files import check_writable, remove_parts, unwritable
from attacks.methods import method
from bench.config.cells import own_tables
from bench.config.models import NoiseCell, VictimCell
from bench.data import entry
from bench.data.dataset import Cached, Places
from bench.run.job import Job
from bench.run.plan import notes_of
from bench.run.pretraining import pretrainings
from bench.run.progress import loading
from bench.run.unchanged import check_as_planned, check_images
from victims.networks.names import parse_victim
from victims.recipes import training


def check_prerequisites(jobs: Iterable[Job], results: Path, places: Places) -> None:
    """Check that networks, noise files, data and folders are there.

    Makes nothing, fetches only timm's weights, and decodes one image of a dataset at most.

    Raises:
        RequestError: if one is missing or unusable; the message says what to do.
    """
    jobs = _with_pretrainings(jobs)
    check_networks(jobs)
    _check_names(jobs)
    for dataset in sorted({job.dataset for job in jobs}):
        found = entry(dataset, places)
        for spec in _methods(jobs, dataset):
            method(spec).recipe.check(None, (found.train, *found.shape))
        found.check(places)
    for folder in (results, places.cache):
        _check_could_write(folder)


def prepare_run(jobs: Iterable[Job], results: Path, places: Places) -> None:
    """Check everything, create the folders, and fetch and decode the data once for all workers.

    Notes on the data are printed.

    Raises:
        RequestError: as `check_prerequisites`; also if data is damaged, a noise is for other images, or a file has
            changed since the plan.
    """
    jobs = _with_pretrainings(jobs)
    check_prerequisites(jobs, results, places)
    for folder in (results, places.cache):
        check_writable(folder)
    for folder in (
        *(results / name for name in ("noise", "records")),
        *map(places.cached, get_args(Cached)),
    ):
        remove_parts(folder)
    for note in notes_of(jobs):
        print(note, file=sys.stderr)
    for job in {(job.cell.kind, job.method, job.network, job.cell.inputs.get("weights")): job for job in jobs}.values():
        check_as_planned(job)
    for name in sorted({job.dataset for job in jobs}):
        found = entry(name, places)
        with loading(found.name) as progress:
            dataset = found.load(places, progress)
        for planned in {job.cell.inputs["dataset"] for job in jobs if job.dataset == name}:
            check_images(found, places, planned)
        for spec in _methods(jobs, name):
            method(spec).recipe.check(dataset.digest, dataset.train.images.shape)


def _with_pretrainings(jobs: Iterable[Job]) -> list[Job]:
    """Return jobs, followed by the pretraining jobs whose weights they start from."""
    jobs = list(jobs)
    return [*jobs, *pretrainings(jobs)]


def check_networks(jobs: Iterable[Job]) -> None:
    """Try each network that jobs need, on images of their shape, and check that its weights are there and fit it.

    Without torch, only its name is looked up.

    Raises:
        RequestError: for a network that does not exist, with the nearest that does; that does not accept the images,
            width or normalisation; whose weights are missing, not the expected ones or another network's; or that lacks
            the layers that a training changes.
    """
    needed: dict[Hashable, list[Job]] = {}
    for job in sorted(jobs, key=lambda job: (job.network or "", job.shape)):
        if job.network:
            built = (job.network, job.shape, job.setup.stem, job.setup.mean, job.setup.std, job.weights_side)
            needed.setdefault(built, []).append(job)
    for network in dict.fromkeys(str(same[0].network) for same in needed.values()):
        if weights := parse_victim(network).weights:
            weights.check()
    if find_spec("torch") is None:
        return
    from victims.networks.build import check_network, check_per_channel

    for same in needed.values():
        first, (channels, size), setup = same[0], same[0].shape, same[0].setup
        victim = check_network(
            str(first.network),
            channels=channels,
            size=size,
            stem=setup.stem,
            mean=setup.mean,
            std=setup.std,
            side=first.weights_side,
        )
        for name, job in {job.cell.training: job for job in same if isinstance(job.cell, VictimCell)}.items():
            training(name).check(job.setup.victim, victim)
        for job in (job for job in same if isinstance(job.cell, NoiseCell)):
            for table in own_tables(method(job.method).recipe.reads):
                own = getattr(table.of(job.setup.noise), "mean", None)
                check_per_channel(f"setup.noise.{table.table}.mean", own, channels)


def _methods(jobs: Iterable[Job], dataset: str) -> list[str]:
    """Return the methods of jobs on a dataset, as the user named them."""
    return list(dict.fromkeys(job.method for job in jobs if job.dataset == dataset))


def _check_names(jobs: Sequence[Job]) -> None:
    """Check that no two methods or victims have the same name, as could happen with files of noise or weights."""
    weights: dict[tuple[str, str, int], Job] = {}
    for job in jobs:
        if isinstance(cell := job.cell, VictimCell):
            known = weights.setdefault((cell.dataset, cell.victim, cell.seed), job)
            if known.cell.inputs.get("weights") != cell.inputs.get("weights"):
                raise RequestError(
                    f"{known.network} and {job.network} have the same name, {cell.victim!r}; rename one of the files"
                )
    firsts: dict[tuple[str, str], str] = {}
    for dataset, name, spec in dict.fromkeys((job.dataset, job.cell.method, job.method) for job in jobs):
        first = firsts.setdefault((dataset, name), spec)
        if method(first).version != method(spec).version:
            raise RequestError(
                f"{first} and {spec} have the same name, {name!r}; import one of them under another name"
            )


def _check_could_write(folder: Path) -> None:
    """Check that a folder could be written to, or created if it is missing, without leaving anything behind."""
    try:
        there = folder.absolute()
        while not there.exists() and there != there.parent:
            there = there.parent
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"1")
    except OSError as error:
        raise unwritable(folder, error) from error
