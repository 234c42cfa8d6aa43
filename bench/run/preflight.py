"""What has to be right before anything runs; `plan` tries the networks, `run` looks at everything."""

import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from attacks.core.errors import RequestError
from attacks.core.files import check_writable, remove_parts
from attacks.methods import method
from bench.data import entry
from bench.data.dataset import Dataset, Places
from bench.run.plan import Job, notes_of
from bench.run.progress import loading
from victims.networks.names import find
from victims.settings import Pretrained


def prepare(jobs: Iterable[Job], results: Path, places: Places) -> None:
    """See that data, networks and folders are there and fit each other; fetch and decode data once, for all workers.

    What users should know of the data is printed.
    """
    jobs = list(jobs)
    entries = {dataset: entry(dataset, places) for dataset in sorted({job.dataset for job in jobs})}
    for found in entries.values():
        found.check(places)
    check_networks(jobs)
    for folder in (results, places.cache):
        check_writable(folder)
    for folder in (results, *(places.cache / name for name in ("datasets", "noise", "prepared", "unfinished"))):
        remove_parts(folder)
    for note in notes_of(jobs):
        print(note, file=sys.stderr)
    for name, found in entries.items():
        with loading(found.name) as progress:
            dataset = found.load(places, progress)
        check_methods((job for job in jobs if job.dataset == name), dataset)


def check_networks(jobs: Iterable[Job]) -> None:
    """Try each network that jobs need, at the size of their images, and see that its weights are there.

    Without torch, only its name is looked up.

    Raises:
        RequestError: for one that does not exist, with the nearest that does; that does not take that size or width; or
            whose weights are not there, are others, or have the name of others.
    """
    needed = {(job.network, job.shape[1], job.setup.stem, _side(job)) for job in jobs if job.network}
    for network in {network for network, *_ in needed}:
        if weights := find(network).weights:
            weights.check()
    if find_spec("torch") is None:
        return
    from victims.networks.build import check

    for network, size, stem, side in sorted(needed, key=str):
        check(network, size=size, stem=stem, side=side)


def _side(job: Job) -> int | None:
    return Pretrained.of(job.setup.victim).side


def check_methods(jobs: Iterable[Job], dataset: Dataset) -> None:
    """Read the noise files that jobs on a dataset name.

    Raises:
        RequestError: where one is damaged or for other images, or where two of different noise have one name.
    """
    specs = {job.method: job.cell.method for job in jobs}
    versions: dict[str, tuple[str, int | str]] = {}
    for spec, name in specs.items():
        known = method(spec)
        other, version = versions.setdefault(name, (spec, known.version))
        if version != known.version:
            raise RequestError(
                f"{other} and {spec} have the same name, {name!r}; import one of them under another name"
            )
        known.recipe.check(dataset.digest, dataset.train.images.shape)
