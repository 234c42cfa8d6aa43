"""Compare one method, or a noise file, with everything published, after running the missing cells of a suite."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import Any

from attacks.core.errors import RequestError
from attacks.engine.noise import read_head
from attacks.methods import method
from attacks.recipes.from_file import PREFIX
from bench.compare.evidence import Evidence, SharedNoises
from bench.config.axes import Place, place_of, without_method
from bench.config.models import NoiseCell, VictimCell
from bench.config.suite import FIXED, Suite, grids_of, load_suite
from bench.data import dataset_names
from bench.data.dataset import Places
from bench.report.standing import by_trainer, is_settled
from bench.report.summary import REFERENCES
from bench.run.executors import Executor
from bench.run.job import Job
from bench.run.plan import Plan, join_plans
from bench.run.preflight import prepare_run
from bench.run.rates import Rates, estimate
from bench.run.runner import run_todo
from bench.run.selection import Retry, Selection
from bench.run.todo import Todo, partition
from bench.run.workplace import Workplace

SUFFIX = ".safetensors"
_FIXED = {"methods", "datasets", "protocol", *FIXED}
JobStep = Sequence[Job]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A method, the suite that it is measured against, and the records that it is compared with.

    Attributes:
        suite: the suite, whose trainers count.
        method: the method's name in records.
        noise: the job of the method's first noise, which gives dataset and protocol.
        plan: the cells of the suite, without those in the published records.
        evidence: the published records and those of this comparison.
        results: where the records of this comparison are.
    """

    suite: Suite
    method: str
    noise: Job
    plan: Plan
    evidence: Evidence
    results: Path

    def todo(self, retry: Retry | None = None, jobs: Sequence[Job] | None = None) -> Todo:
        """Return the jobs of the plan, or only those given, sorted by what is left to do."""
        return partition(self.plan.jobs if jobs is None else jobs, self.store, Selection(retry=retry))

    @property
    def store(self) -> SharedNoises:
        """The records of this comparison, and published noises."""
        return SharedNoises(self.results, (self.plan.protocol,), self.evidence)

    @property
    def has_rivals(self) -> bool:
        """Whether another method, references apart, was measured against the suite: without one there is no rank."""
        group = self.evidence.group_of(self.noise)
        measured = by_trainer(group.scores, self.suite.trainers(group.protocol)) if group else {}
        return bool(measured.keys() - {self.method, *REFERENCES})

    def is_settled(self, left: Iterable[Job]) -> bool:
        """Return whether none of the jobs left can change the rank; False for a reference, which has no rank."""
        group = self.evidence.group_of(self.noise)
        if group is None or self.method in REFERENCES:
            return False
        measured = by_trainer(group.scores, self.suite.trainers(group.protocol))
        trainers = {without_method(place_of(job.cell)) for job in left if isinstance(job.cell, VictimCell)}
        return is_settled(self.method, measured, trainers, group.pool)


def comparison(
    asked: str,
    *,
    suite: str,
    protocol: str | None,
    dataset: str | None,
    changes: Sequence[str],
    results: Path,
    published: Path | None,
    places: Places,
) -> Comparison:
    """Return the comparison of a method or noise file with the published records.

    Args:
        asked: a method's name, or the path of a noise file.
        suite: a shipped suite's name or a `.toml` file.
        protocol, dataset: used instead of the suite's, if given.
        changes: the values of `--set`.
        results: where new records go.
        published: the folder of records to compare with, if there is one.
        places: where data and cache are.

    Raises:
        RequestError: for a wrong name, value or file, a noise with the name of another or for another dataset, or a
            folder without records.
    """
    if published is not None and not (published / "records").is_dir():
        raise RequestError(f"{published} holds no records; give --published DIR, the folder `results` of a checkout")
    known = method(spec_of(asked))
    given: dict[str, Any] = {"methods": [spec_of(asked)]}
    if protocol is not None:
        given["protocol"] = protocol
    if dataset is not None:
        given["datasets"] = [dataset]
    if {change.partition("=")[0].strip() for change in changes} & _FIXED:
        raise RequestError(
            "the method and the suite's trainers are fixed here; choose images by --dataset and --protocol; --set "
            "changes seeds and setup.KEY"
        )
    whole = join_plans(*grids_of(suite, changes, **given), places)
    if known.recipe.ready_made and dataset is None:
        _check_made_for(asked, whole.jobs[0], load_suite(suite))
    evidence = Evidence(published, results)
    if known.recipe.ready_made:
        evidence.refuse_namesake(known.name, str(known.version), whole.jobs[0].cell.dataset)
    wanted = [job for job in whole.jobs if job.cell is not job.noise and not evidence.record(job.cell, apart=results)]
    noises = {job.noise.key for job in wanted}
    jobs = (*(job for job in whole.jobs if job.cell.key in noises), *wanted)
    return Comparison(
        suite=load_suite(suite),
        method=known.name,
        noise=whole.jobs[0],
        plan=replace(whole, jobs=jobs),
        evidence=evidence,
        results=results,
    )


def options_for(dataset: str, suite: Suite) -> str:
    """Return the `compare` option for a noise on a dataset: the suite's protocol for that dataset, or else its name."""
    protocols = [name for name, cast in suite.casts.items() if cast.dataset == dataset]
    return f"--protocol {protocols[0]}" if protocols else f"--dataset {quote(dataset)}"


def _check_made_for(file: str, noise: Job, suite: Suite) -> None:
    """Refuse the suite's default dataset for a noise that was made for another one, and name the right option.

    Raises:
        RequestError: if the file says that it is for another dataset of the benchmark.
    """
    made_for = read_head(Path(file.removeprefix(PREFIX)).expanduser()).provenance.dataset
    if made_for != noise.cell.dataset and made_for in dataset_names():
        raise RequestError(
            f"{file} is for {made_for}, and protocol {noise.cell.protocol} of {suite.name} for {noise.cell.dataset}; "
            f"give {options_for(made_for, suite)}"
        )


def measure(
    found: Comparison, executor: Executor, places: Places, *, retry: Retry | None, steps: Iterable[JobStep]
) -> JobStep:
    """Run the missing cells step by step; with several steps, stop as soon as the rank is settled.

    Args:
        found: the comparison.
        executor: runs the cells.
        places: where data and cache are.
        retry: which failed cells are rerun.
        steps: the jobs of each step, in order.

    Returns:
        The jobs that were skipped because the rank is settled.

    Raises:
        RequestError: for missing data, weights or networks, before anything runs.
        KeyboardInterrupt: after printing what is left.
    """
    todo = found.todo(retry)
    if todo.missing:
        prepare_run(todo.work, found.results, places)
        found.store.adopt(todo)
    steps, later = list(steps), {job.cell.key for job in todo.work}
    broken: set[str] = set()  # noises that failed or were not regenerated in an earlier step; no later one retries them
    for number, step in enumerate(steps):
        if len(steps) > 1:
            planned = {job.cell.key: job for jobs in steps[number:] for job in jobs if job.noise.key not in broken}
            left = found.todo(retry, list(planned.values())).missing
            if found.is_settled(left):
                return left
        part = found.todo(retry, [job for job in step if job.noise.key not in broken])
        later -= {job.cell.key for job in step}
        if part.missing:
            run_todo(part, executor, places, later=len(later))
            after = found.todo(jobs=step)
            broken |= {job.cell.key for job in after.failed if job.cell is job.noise}
            broken |= {job.noise.key for job in after.missing}
    return ()


def by_cost(found: Comparison, rates: Rates, workplaces: Sequence[Workplace]) -> list[JobStep]:
    """Return one step per trainer, with the jobs of all its seeds, from the cheapest trainer to the most expensive.

    Each step includes all noises, whose cost is not counted. Trainers with networks of unknown speed come last.
    """
    noises = [job for job in found.plan.jobs if isinstance(job.cell, NoiseCell)]
    trainers: dict[Place, list[Job]] = {}
    for job in found.plan.jobs:
        if isinstance(job.cell, VictimCell):
            trainers.setdefault(place_of(job.cell), []).append(job)
    ordered = sorted(trainers.values(), key=lambda jobs: estimate(jobs, rates, workplaces).order)
    return [(*noises, *jobs) for jobs in ordered]


def spec_of(asked: str) -> str:
    """Return a method or a noise file as grids name it: `noise:PATH` for the path of a noise file.

    Raises:
        RequestError: for the path of any other file.
    """
    suffix = "" if asked.startswith(PREFIX) else Path(asked).suffix
    if suffix not in {"", SUFFIX}:
        raise RequestError(
            f"{asked} is not a noise file; convert it first: "
            f"python -m bench noise import {asked} OUT{SUFFIX} --name NAME --dataset DATASET"
        )
    return f"{PREFIX}{asked}" if suffix else asked
