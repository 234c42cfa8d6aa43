"""Where the time of a whole grid goes: stretches of its cells, scaled by the plan's counts."""

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from attacks.core.cost import NONE
from attacks.core.errors import RequestError
from attacks.core.files import PART, check_writable, remove_parts
from attacks.methods import method
from attacks.methods.random import RANDOM
from bench.config.axes import ALL, label_words
from bench.config.models import Grid, Protocol, VictimCell
from bench.profile.phases import REPORTING, Phase
from bench.profile.stopwatch import once
from bench.profile.stretch import Stretch, amounts_of, check_length, measure_stretch, measure_whole
from bench.report.leaderboard import render
from bench.run.job import Job
from bench.run.keeper import SECONDS_BETWEEN
from bench.run.making import runtime_of
from bench.run.plan import make_plan
from bench.run.preflight import prepare_run
from bench.run.process import set_up
from bench.run.rates import published_folder
from bench.run.workplace import Workplace
from victims.countermeasures import countermeasure
from victims.recipes import training


@dataclass
class Spent:
    """The time of a phase, or of several.

    Attributes:
        seconds: in total.
        passes: image-passes made in that time.
        bare: seconds that those passes take in the bare network.
    """

    seconds: float = 0.0
    passes: float = 0.0
    bare: float = 0.0

    @classmethod
    def of_all(cls, parts: Iterable["Spent"]) -> "Spent":
        """Return the sum."""
        whole = cls()
        for one in parts:
            whole.seconds += one.seconds
            whole.passes += one.passes
            whole.bare += one.bare
        return whole


@dataclass(frozen=True)
class Cells:
    """The cells of one kind.

    Attributes:
        title: what they have in common.
        count: how many there are.
        steps: how many steps of one cell were measured; 0 where it has none.
        spent: their total time.
    """

    title: str
    count: int
    steps: int
    spent: Spent


@dataclass(frozen=True, kw_only=True)
class GridProfile:
    """Where the time of a grid goes.

    Attributes:
        grid, protocol: their names.
        phases: the time of each.
        kinds: the time of the cells of each kind.
        unmeasured: labels of the cells that are left out.
    """

    grid: str
    protocol: str
    phases: Mapping[Phase, Spent]
    kinds: tuple[Cells, ...]
    unmeasured: tuple[str, ...]

    @property
    def all(self) -> Spent:
        """The total time of all phases."""
        return Spent.of_all(self.phases.values())


def profile_grid(grid: Grid, protocol: Protocol, place: Workplace, tell: Callable[[str], None]) -> GridProfile:
    """Run a stretch of one cell of each kind in a grid, and extrapolate to all of them.

    A kind is a noise whose recipe has steps, or a trainer; trainers learn from the noise `random`, since the noise does
    not affect training time. One `random` is made from end to end, to time what every noise needs besides its steps.
    All files except decoded images go to a temporary folder.

    Args:
        grid, protocol: what is profiled.
        place: where to run.
        tell: called with each kind of cells just before it is measured.

    Raises:
        RequestError: if cells cannot be run, fail or have too few steps, or on a GPU, whose work cannot be seen
            from this process.
    """
    if place.device != "cpu":
        raise RequestError(f"--grid looks at the phases on a CPU, not on {place.device}; add --device cpu")
    set_up(place.threads)
    jobs = make_plan(grid, protocol, place.places).jobs
    on_random = make_plan(_on_random(grid), protocol, place.places).jobs
    measured = [job for job in jobs if _can_be_measured(job)]
    for job in measured:
        if job.network is not None:
            check_length(job, place)
    phases: dict[Phase, list[Spent]] = defaultdict(list)
    if folder := published_folder():
        phases[REPORTING].append(Spent(once(lambda: render(folder), runtime_of(jobs[0], place))))
    found = _stretches(measured, on_random, place, tell)
    cells: dict[str, list[Spent]] = defaultdict(list)
    for job in measured:
        spent = _extrapolated(job, place, found)
        cells[_kind(job)].append(Spent.of_all(spent.values()))
        for phase, one in spent.items():
            phases[phase].append(one)
    for dataset in sorted({job.cell.dataset for job in measured}):  # each is read once, by whichever cell came first
        read = [found[kind].seconds for kind in sorted({_kind(job) for job in measured if job.cell.dataset == dataset})]
        for phase in {phase for seconds in read for phase in seconds if phase.basis == "once"}:
            phases[phase].append(Spent(max(seconds.get(phase, 0.0) for seconds in read)))
    kinds = [Cells(kind, len(parts), found[kind].amounts.steps, Spent.of_all(parts)) for kind, parts in cells.items()]
    return GridProfile(
        grid=grid.name,
        protocol=protocol.name,
        phases={phase: Spent.of_all(parts) for phase, parts in phases.items()},
        kinds=tuple(kinds),
        unmeasured=tuple(job.cell.label for job in jobs if not _can_be_measured(job)),
    )


def _on_random(grid: Grid) -> Grid:
    """Return the trainers of a grid on one noise, `random`, less the trainers that it excludes."""
    kept = [one for one in grid.exclude if one.method is None and one.share is None and one.seed is None]
    update = {"methods": (RANDOM.name,), "shares": (ALL,), "seeds": grid.seeds[:1], "exclude": tuple(kept)}
    return grid.model_copy(update=update)


def _stretches(
    jobs: Iterable[Job], on_random: Iterable[Job], place: Workplace, tell: Callable[[str], None]
) -> dict[str, Stretch]:
    """Measure one job of each kind, trainers on the noise of `on_random`."""
    jobs, on_random = list(jobs), list(on_random)
    trainers = {_kind(job): job for job in on_random if isinstance(job.cell, VictimCell)}
    found: dict[str, Stretch] = {}
    with _aside(place) as here:
        prepare_run([*jobs, *on_random], here.results, here.places)
        for job in on_random:
            if not isinstance(job.cell, VictimCell):
                tell(_kind(job))
                found[_kind(job)] = measure_whole(job, here)
        for job in jobs:
            if _kind(job) not in found:
                tell(_kind(job))
                found[_kind(job)] = measure_stretch(trainers.get(_kind(job), job), here)
    return found


@contextmanager
def _aside(place: Workplace) -> Iterator[Workplace]:
    """Yield a workplace with temporary folders of its own, except for decoded images."""
    home = place.places.cache
    images = home / "datasets"
    check_writable(images)
    remove_parts(home)
    with tempfile.TemporaryDirectory(dir=home, prefix=".profile-", suffix=PART, ignore_cleanup_errors=True) as name:
        cache = Path(name) / "cache"
        cache.mkdir()
        (cache / "datasets").symlink_to(images.absolute())
        yield replace(place, results=Path(name) / "results", places=replace(place.places, cache=cache))


def _kind(job: Job) -> str:
    """Return the kind of a cell: cells of one kind take the same time, apart from their number of images."""
    cell = job.cell
    if not isinstance(cell, VictimCell):
        return f"{cell.dataset}/{cell.method}/noise" if job.network else _without_network(cell.dataset)
    words = label_words(cell.model_copy(update={"share": ALL, "part": "all", "seed": 0}))
    return f"{cell.dataset}/{cell.victim}/{'-'.join(word for word in words if word != 's0')}"


def _without_network(dataset: str) -> str:
    """Return the kind of the noises of a dataset that need no network; `random` stands for all of them."""
    return f"{dataset}/noise without a network"


def _can_be_measured(job: Job) -> bool:
    """Return whether a cell consists of uniform training or noise steps and what surrounds them."""
    if not isinstance(job.cell, VictimCell):
        return job.network is None or method(job.method).recipe.has_steps
    if job.preparation != NONE or job.pretraining is not None:
        return False
    stages, against = training(job.cell.training).stages(job.setup.victim), countermeasure(job.cell.countermeasure)
    return len(stages) == 1 and stages[0].cost.train > 0 and (against.draws == 1 or against.early == 1)


def _extrapolated(job: Job, place: Workplace, found: Mapping[str, Stretch]) -> dict[Phase, Spent]:
    """Return the time of each phase of a cell, except for what is done once."""
    spent: dict[Phase, Spent] = {}
    if not isinstance(job.cell, VictimCell):  # each noise is inspected and written like `random`
        made = found[_without_network(job.cell.dataset)].seconds
        spent |= {phase: Spent(seconds) for phase, seconds in made.items() if phase.basis == "cells"}
    if job.network is None:
        return spent
    seen, whole = found[_kind(job)], amounts_of(job, place)
    saves = {phase: seconds for phase, seconds in seen.seconds.items() if phase.basis == "saves"}
    for phase in dict.fromkeys((*seen.seconds, *(phase for phase, passes in whole.passes.items() if passes))):
        if phase.basis in {"saves", "once"}:
            continue
        seconds = seen.seconds.get(phase, 0.0)  # 0 where it is too short to be sampled
        passes = whole.passes.get(phase, 0.0)
        bare = passes / seen.bare[phase.network] if phase.network else 0.0
        part = Spent(seconds * whole.of[phase.basis] / seen.amounts.of[phase.basis], passes, bare)
        spent[phase] = Spent.of_all([part, spent.get(phase, Spent())])
    times = Spent.of_all(spent.values()).seconds / SECONDS_BETWEEN
    return spent | {phase: Spent(seconds * times) for phase, seconds in saves.items()}
