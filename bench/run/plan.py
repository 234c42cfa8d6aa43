"""Turn a grid into jobs, before anything runs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import product
from typing import Any, Self

from attacks.core.cost import NONE, Passes
from attacks.core.errors import RequestError
from attacks.methods import method
from attacks.methods.clean import CLEAN
from attacks.spec import Method
from bench.config.axes import ALL, AXES, Part
from bench.config.cells import ABSENT, noise_cell, surrogate_of, victim_cell
from bench.config.models import Exclusion, Grid, NoiseCell, Protocol, Setup, VictimCell
from bench.config.recorded import recorded_name
from bench.data import entry
from bench.data.dataset import Entry, Places
from bench.data.survey import SurveyError
from bench.run.draws import count_protected
from bench.run.job import Job
from bench.run.pretraining import RequestedVictim, grid_of, pretrainings, weights_file
from bench.run.refusals import (
    check_exclusions,
    check_fit,
    check_pretraining,
    check_shares,
    check_tables,
    check_weights,
)
from victims.countermeasures import countermeasure
from victims.networks.names import refuse_hub
from victims.networks.weights import split
from victims.recipes import training


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Every job of a grid or a suite, noises before the victims that need them.

    Attributes:
        name: the name of the grid or suite.
        asked: the protocol as the user named it.
    """

    name: str
    asked: str
    protocol: Protocol
    jobs: tuple[Job, ...]


def make_plan(grid: Grid, protocol: Protocol, places: Places) -> Plan:
    """Return the plan of a grid: one job for each combination of the values in its lists.

    Raises:
        RequestError: for a wrong name, or if nothing is left.
    """
    return join_plans((grid,), protocol, places)


def join_plans(grids: Sequence[Grid], protocol: Protocol, places: Places) -> Plan:
    """Return one plan for several grids, named like the first; a cell that several grids share is done once.

    Raises:
        RequestError: for a wrong name, or if nothing is left.
    """
    jobs = _planned(grids, protocol, places)
    kept = {job.cell.key for job in pretrainings(jobs)}
    jobs = tuple(replace(job, keeps_weights=job.cell.key in kept) for job in jobs)
    check_tables(protocol, {job.cell.dataset for job in (*jobs, *pretrainings(jobs))})
    first, *_ = grids
    return Plan(name=first.name, asked=first.protocol, protocol=protocol, jobs=jobs)


def _planned(grids: Sequence[Grid], protocol: Protocol, places: Places) -> tuple[Job, ...]:
    grids = [grid.model_copy(update={"exclude": tuple(map(_without_alias, grid.exclude))}) for grid in grids]
    jobs: dict[str, Job] = {}
    datasets = dict.fromkeys(dataset for grid in grids for dataset in grid.datasets)
    found = {dataset: _Found.of(entry(dataset, places), places) for dataset in datasets}
    pretrain = partial(_pretrain, grids, protocol, places)
    named = dict.fromkeys(name for grid in grids for name in grid.victims)
    victims = {name: RequestedVictim.of(name, places, pretrain) for name in named}
    for known in found.values():
        check_fit(protocol.for_dataset(known.entry.name), known.entry, protocol.name)
    for grid in grids:
        names = [known.entry.name for known in found.values()]
        check_exclusions(grid, names, _methods(grid), [victims[name].recorded for name in grid.victims])
        for dataset in grid.datasets:
            known = found[dataset]
            for name in _methods(grid):
                for job in _jobs(grid, protocol, dataset, known.entry, name, known.identity, victims):
                    jobs.setdefault(job.cell.key, replace(job, notes=known.notes))
    if not jobs:
        raise RequestError(f"grid {grids[0].name!r} has no cells: its exclusions remove every cell")
    return tuple(sorted(jobs.values(), key=lambda job: job.cell.kind == "victim"))


def _pretrain(
    grids: Sequence[Grid], protocol: Protocol, places: Places, network: str, dataset: str
) -> Mapping[int, Job]:
    """Return the jobs of the victims trained to supply pretrained weights, by seed."""
    seeds = tuple(dict.fromkeys(seed for grid in grids for seed in grid.seeds))
    jobs = _planned([grid_of(network, dataset, protocol.name, seeds)], protocol, places)
    return {job.cell.seed: job for job in jobs if isinstance(job.cell, VictimCell)}


@dataclass(frozen=True, kw_only=True)
class _Found:
    """A dataset, with the identity of its images and notes on them."""

    entry: Entry
    identity: str
    notes: tuple[str, ...]

    @classmethod
    def of(cls, found: Entry, places: Places) -> Self:
        """Look a dataset up; if its images are missing, its identity is `ABSENT` and none of its cells can be done.

        Raises:
            RequestError: if they are there but cannot be read.
        """
        try:
            return cls(entry=found, identity=found.identity(places), notes=found.notes(places))
        except SurveyError:
            raise
        except RequestError:
            return cls(entry=found, identity=ABSENT, notes=())  # `run` checks the data first, and says what to fetch


def _methods(grid: Grid) -> list[str]:
    """Return the methods of a grid, with `clean` if a share is below 100: such shares are compared with it."""
    return [*grid.methods, *([CLEAN.name] if min(grid.shares) < ALL else [])]


def _jobs(
    grid: Grid,
    protocol: Protocol,
    dataset: str,
    found: Entry,
    name: str,
    identity: str,
    victims: Mapping[str, RequestedVictim],
) -> Iterator[Job]:
    known, setup = method(name), protocol.for_dataset(found.name)
    first = noise_cell(known, dataset=found.name, identity=identity, seed=0, protocol=protocol, setup=setup)
    crossed = [
        (values["victim"], _victim_cell(first, setup, values, victims[values["victim"]]))
        for values in _crossed(grid, known)
    ]
    passes = cache(partial(_passes, found, setup))
    for seed in grid.seeds:
        noise = first.model_copy(update={"seed": seed})
        cells = [(network, _at(noise, cell, victims[network])) for network, cell in crossed]
        wanted = [(network, cell) for network, cell in cells if not _excluded(grid, cell)]
        if not wanted:
            continue
        check_weights(wanted)
        check_shares(found, (cell for _, cell in wanted))
        shape = found.shape[0], found.shape[2]
        job = noise_job(noise, name, dataset, setup, images=found.train, shape=shape, classes=found.classes)
        yield job
        for network, cell in wanted:
            before, rest = passes(cell.training, cell.countermeasure, cell.rho_a, cell.share, cell.part)
            victim = victims[network]
            if pretraining := victim.pretraining.get(seed):
                check_pretraining(network, job, pretraining)
            yield replace(
                job,
                cell=cell,
                passes=before + rest,
                preparation=before,
                network=victim.network,
                pretraining=pretraining,
            )


def _passes(
    found: Entry, setup: Setup, trained: str, against: str, rho_a: float, share: int, part: Part
) -> tuple[Passes, Passes]:
    """Return the image-passes of a victim's preparation, and those of its training and evaluation."""
    withheld = count_protected(found.train, share) if part == "unprotected" else 0
    known, images = countermeasure(against), found.train - withheld
    before = known.passes(setup.countermeasure, images) if known.passes else NONE
    return before, training(trained).passes(setup.victim, known, rho_a=rho_a, images=images, tests=found.test)


def noise_job(
    cell: NoiseCell, name: str, dataset: str, setup: Setup, *, images: int, shape: tuple[int, int], classes: int
) -> Job:
    """Return the job that makes a noise.

    Args:
        cell: the noise's.
        name, dataset: the method and the dataset as the user named them.
        setup: the numbers of its protocol for its dataset.
        images: number of training images.
        shape: (channels, side) of the images.
        classes: number of classes.
    """
    channels, side = shape
    recipe = method(name).recipe
    surrogate = refuse_hub(surrogate_of(recipe, setup))
    if any(split(surrogate)[1:]) and not recipe.pretrained:
        raise RequestError(f"surrogate {surrogate!r} names weights; surrogates are trained from scratch, so name none")
    passes = recipe.passes(setup.noise, images)
    return Job(
        cell=cell,
        noise=cell,
        dataset=dataset,
        method=name,
        setup=setup,
        passes=passes,
        network=surrogate if passes.full else None,
        shape=(channels, setup.augment.size or side),
        classes=classes,
    )


def remaining(jobs: Iterable[Job], places: Places) -> Iterator[Job]:
    """Yield the work of jobs that are yet to be run, preceded by the pretraining jobs that they need.

    A preparation that several jobs share is counted in the first of them only.

    Args:
        jobs: the jobs.
        places: where the cache is; a pretraining whose weights it has is done.
    """
    jobs, seen = list(jobs), set()
    listed = {job.cell.key for job in jobs}
    for job in pretrainings(jobs):
        if job.cell.key not in listed and not weights_file(places, job.cell).exists():
            yield job
    for job in jobs:
        if not isinstance(job.cell, VictimCell) or job.preparation == NONE:
            yield job
            continue
        cell = job.cell
        shared = cell.inputs["noise"], cell.share, cell.part, cell.countermeasure
        yield replace(job, passes=job.passes - job.preparation, preparation=NONE) if shared in seen else job
        seen.add(shared)


def notes_of(jobs: Iterable[Job]) -> list[str]:
    """Return the notes on the datasets of jobs, each once and prefixed with the dataset's name."""
    return list(dict.fromkeys(f"{job.cell.dataset}: {note}" for job in jobs for note in job.notes))


def _parts(known: Method, shares: Iterable[int]) -> list[tuple[int, Part]]:
    """Return the shares of a method's own cells, each with the part of the images that a victim is trained on.

    With nothing protected, all methods equal `clean`; its cells also cover training on the unprotected part alone.
    """
    if known.protects:
        return [(share, "all") for share in shares if share > 0]
    return list(dict.fromkeys((ALL, "all") if share in {0, ALL} else (share, "unprotected") for share in shares))


def _crossed(grid: Grid, known: Method) -> Iterator[dict[str, Any]]:
    """Yield the values of a noise's victims on the axes that only victims have."""
    lists = [
        [{axis.field: value} for value in getattr(grid, axis.listed)]
        for axis in AXES
        if axis.listed and axis.field not in {*NoiseCell.model_fields, "share"}
    ]
    parts = [{"share": share, "part": part} for share, part in _parts(known, grid.shares)]
    for values in product(*lists, parts):
        yield {field: value for chosen in values for field, value in chosen.items()}


def _victim_cell(noise: NoiseCell, setup: Setup, values: Mapping[str, Any], victim: RequestedVictim) -> VictimCell:
    return victim_cell(
        noise,
        {**values, "victim": victim.recorded},
        training=training(values["training"]),
        countermeasure=countermeasure(values["countermeasure"]),
        setup=setup,
        version=victim.version,
        weights=victim.identity(noise.seed),
        resized=bool(victim.weights and victim.weights.inputs),
    )


def _at(noise: NoiseCell, cell: VictimCell, victim: RequestedVictim) -> VictimCell:
    """Return a victim's cell for the noise of another seed; all else is shared with the first, to save memory."""
    weights = victim.identity(noise.seed)
    inputs = cell.inputs | {"noise": noise.key} | ({"weights": weights} if weights else {})
    return cell.model_copy(update={"seed": noise.seed, "inputs": inputs})


def _without_alias(exclusion: Exclusion) -> Exclusion:
    return exclusion.model_copy(update={"method": recorded_name("method", exclusion.method)})


def _excluded(grid: Grid, cell: VictimCell) -> bool:
    return any(
        all(getattr(cell, field) == value for field, value in exclusion.model_dump(exclude_none=True).items())
        for exclusion in grid.exclude
    )
