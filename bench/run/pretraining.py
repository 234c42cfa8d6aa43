"""Victims that start from weights which this benchmark trains itself, on the clean images of another dataset.

`resnet18-w8.tiny-imagenet-100-32px` starts from a `resnet18-w8` given standard training, at the same protocol and
seed, on the dataset after the dot: a named one, or a folder of that name in the data folder. That pretrained victim is
a cell like any other, with its own record. The first victim that needs its weights trains it, under a lease; the
cache keeps the weights with that record, so that the results of other runs that use them have it too.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from attacks.core.cost import NONE
from attacks.core.errors import DamagedError, RequestError, escaped
from attacks.methods.clean import CLEAN
from bench.config.cells import ABSENT
from bench.config.models import Cell, Grid
from bench.config.recorded import PREFIX
from bench.data import dataset_names
from bench.data.dataset import Places
from bench.records.noise_cache import record_in
from bench.records.store import Store
from bench.run.job import Job
from bench.run.leases import hold, lease_file, make_once
from bench.run.time_limit import TimeLimitError, failed_itself, timed_out
from bench.run.workplace import Workplace
from victims.networks.names import parse_victim
from victims.networks.weights import Weights, split

if TYPE_CHECKING:
    from torch import Tensor, nn

    from bench.records.schema import Record

OWN = "victim/"
"""Prefix of the identity of such weights; the key of the pretrained victim follows."""


class PretrainingFailedError(Exception):
    """The pretraining of the weights that a victim starts from failed, or the cached weights are not those recorded."""


@dataclass(frozen=True, kw_only=True)
class RequestedVictim:
    """A victim as a user named it.

    Attributes:
        network: the name of the network to build.
        recorded: its name in records.
        version: that of the network's family.
        weights: the weights it starts from; None if it starts from scratch or this benchmark trains them.
        pretraining: the jobs that train the weights it starts from, by seed.
    """

    network: str
    recorded: str
    version: int
    weights: Weights | None = None
    pretraining: Mapping[int, Job] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, places: Places, pretrain: Callable[[str, str], Mapping[int, Job]]) -> Self:
        """Look a victim's name up.

        Args:
            name: the victim's.
            places: where the data is.
            pretrain: (network, dataset) -> the jobs that train its weights, by seed.

        Raises:
            RequestError: for a wrong name.
        """
        own = own_pretraining(name, places)
        if own is None:
            known = parse_victim(name)
            return cls(network=name, recorded=known.recorded, version=known.policy.version, weights=known.weights)
        version = parse_victim(own[0]).policy.version
        return cls(network=own[0], recorded=name, version=version, pretraining=pretrain(*own))

    def identity(self, seed: int) -> str | None:
        """Return the identity of the weights for a seed, `absent` as for a surrogate's; None for none."""
        if job := self.pretraining.get(seed):
            return f"{OWN}{job.cell.key}"
        try:
            return self.weights.identity if self.weights else None
        except RequestError:
            return ABSENT


def own_pretraining(name: str, places: Places) -> tuple[str, str] | None:
    """Return the network and the pretraining dataset in a victim's name; None if it names no dataset."""
    network, tag, file = split(name)
    if not tag or file:
        return None
    if tag in dataset_names():
        return network, tag
    folder = places.data / tag
    return (network, f"{PREFIX}{folder}") if folder.is_dir() else None


def grid_of(network: str, dataset: str, protocol: str, seeds: tuple[int, ...]) -> Grid:
    """Return the grid that pretrains a network on a dataset, once per seed."""
    lists = {"datasets": (dataset,), "methods": (CLEAN.name,), "victims": (network,), "radii": (0,), "seeds": seeds}
    return Grid.model_validate({"name": "pretraining", "protocol": protocol, **lists})


def pretrainings(jobs: Iterable[Job]) -> Iterator[Job]:
    """Yield the jobs that train the weights which other jobs start from, each once."""
    seen = set()
    for job in jobs:
        if job.pretraining and job.pretraining.cell.key not in seen:
            seen.add(job.pretraining.cell.key)
            yield job.pretraining


def weights_file(places: Places, cell: Cell) -> Path:
    """Return where the cache keeps the weights of a victim."""
    return places.cached("pretrained") / cell.dataset / f"s{cell.seed}-{cell.key[:16]}.safetensors"


def pretrain(job: Job, workplace: Workplace, run_job: "Callable[[Job], Record]", stopping: Callable[[], bool]) -> None:
    """Make sure that the cache has the weights of a pretraining job and the results its record.

    The job is run if the cache does not have them. Weights made by older code have no record.

    Args:
        job: the pretraining job.
        workplace: where the cache is, and where records go.
        run_job: runs a job here.
        stopping: says whether to stop.

    Raises:
        PretrainingFailedError: if the pretraining failed, or the results have the record of other weights.
        TimeLimitError: if it exceeded its time limit.
        StoppedError: if the work was asked to stop; it resumes from there.
    """
    path, before = weights_file(workplace.places, job.cell), failure_of(job, workplace.results)
    noise = replace(job, cell=job.noise, passes=NONE, network=None)
    do = partial(_do, workplace.results, run_job, stopping)

    def make() -> None:
        now = failure_of(job, workplace.results)
        if now and now != before:  # it failed elsewhere while this worker waited
            raise _failed(job, now)
        do(noise)
        do(replace(job, keeps_weights=True), unless=path)

    _, texts = make_once(path, _read, make, stopping)
    if not (made := _record_with(path, texts, job)):
        return
    store = Store(workplace.results, job.protocols)
    known = store.read(job.cell)
    if known is None or known.status == "failed":
        do(noise)  # which has to be recorded too
        known = store.write(made)
    if known.model_dump(include={"curve"}) != made.model_dump(include={"curve"}):
        raise PretrainingFailedError(
            f"the cached weights {path} of {job.cell.label} are not those recorded in {workplace.results}, made on "
            f"{escaped(known.environment.place)}; give the --cache with those, remove the file to train them again on "
            "such a device, or give another --results"
        )


def recorded_weights(job: Job, places: Places) -> "Record | None":
    """Return the record of a pretraining whose weights the cache has, from their file; None if it has none."""
    path = weights_file(places, job.cell)
    try:
        _, texts = _read(path)
    except (FileNotFoundError, DamagedError):
        return None
    return _record_with(path, texts, job)


def keep_weights(job: Job, places: Places, network: "nn.Module", record: "Record") -> "Record":
    """Put the weights of a pretraining into the cache, unless others are there by now, and return their record."""
    from attacks.core.tensors import write_tensors

    if made := recorded_weights(job, places):  # by a run with another results folder
        return made
    weights = network.get_submodule("network").state_dict()
    write_tensors(weights_file(places, job.cell), weights, {"record": record.model_dump_json()})
    return record


def start_from(network: "nn.Module", job: Job, places: Places) -> None:
    """Load the cached weights of a pretraining job, but not the head, into a network.

    Args:
        network: made by `victims.networks.build.build`; its weights are overwritten.
        job: the pretraining job; `pretrain` has put its weights into the cache.
        places: where the cache is.
    """
    from victims.networks.weights.spec import fill

    weights, _ = _read(weights_file(places, job.cell))
    fill(network.get_submodule("network"), weights, f"the pretraining {job.cell.label}")


def _read(path: Path) -> "tuple[dict[str, Tensor], dict[str, str]]":
    from attacks.core.tensors import read_tensors

    return read_tensors(path)


def _record_with(path: Path, texts: Mapping[str, str], job: Job) -> "Record | None":
    """Return the record among the texts of a pretraining's weights; None for weights made by older code."""
    if "record" not in texts:
        return None
    return record_in(path, json.loads(texts["record"]), job.protocols).model_copy(update={"cell": job.cell})


def _do(
    results: Path,
    run_job: "Callable[[Job], Record]",
    stopping: Callable[[], bool],
    job: Job,
    unless: Path | None = None,
) -> None:
    """Run a job of a pretraining, after other runners that work on its cell, unless a file is there by then."""
    with hold(lease_file(results, job.cell), f"do {job.cell.label}", stopping):
        record = None if unless and unless.exists() else run_job(job)
    if record and record.status == "failed":
        raise _failed(job, record)


def failure_of(job: Job, results: Path) -> "Record | None":
    """Return the record of a job that failed, unless it exceeded its time limit."""
    record = Store(results, job.protocols).read(job.cell)
    return record if failed_itself(record) else None


def _failed(job: Job, record: "Record") -> Exception:
    """Build the error for a victim whose pretraining, or the noise of that, failed."""
    reason = (record.error or "").partition("\n")[0]
    failure = TimeLimitError if timed_out(record) else PretrainingFailedError
    return failure(f"{job.cell.label}, whose weights it starts from, failed: {reason}")
