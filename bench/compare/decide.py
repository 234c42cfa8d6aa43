"""Run only what is undecided: the cells of a plan that could settle an open comparison, cheapest first.

A comparison is open if two methods are tied in rank, or if a claim is undecided. What would settle it is estimated from
the records: as many more seeds as decide it if its mean and spread stay the same, and the trainers that the better
protecting method still lacks. Comparisons that a hundred more seeds would not decide, and those that need a cell
outside the plan, are left out. Records of older versions do not count until `run` without `--decide` has rerun their
cells.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from bench.compare.compare import JobStep
from bench.compare.evidence import Evidence, SharedNoises
from bench.config.axes import FIELDS, Place, place_of
from bench.config.models import VictimCell
from bench.config.suite import RANKING, load_suite
from bench.data.dataset import Places
from bench.report.claims import Claims
from bench.report.pool import DECIDING, Pool
from bench.report.standing import Measured, better_of, by_trainer, difference, shareable, strongest_of
from bench.report.summary import REFERENCES, Group, shared_seeds
from bench.report.verdicts import answers, seeds_to_decide
from bench.run.describe import table_text
from bench.run.executors import Executor
from bench.run.job import Job
from bench.run.plan import Plan
from bench.run.preflight import prepare_run
from bench.run.progress import duration
from bench.run.rates import Estimate, Rates, estimate
from bench.run.runner import run_todo
from bench.run.todo import is_at_hand, partition
from bench.run.workplace import Workplace

Wanted = tuple[Place, int]
"""A cell that a comparison needs: its place on the axes, and its seed."""
Lost = tuple[str, int]
"""The method and the seed of a noise that failed or could not be regenerated."""
_ERROR_RATES = (
    "The error rates of ranks and verdicts hold for a number of seeds fixed in advance; seeds added because a result "
    "was undecided raise them."
)


@dataclass(frozen=True, kw_only=True)
class Open:
    """A comparison that the records leave open, and what would settle it.

    Attributes:
        title: the comparison in words.
        more: how many more seeds would decide it, estimated from the records.
        cells: the cells that it needs, whether measured or not.
    """

    title: str
    more: int
    cells: tuple[Wanted, ...]


@dataclass(frozen=True, kw_only=True)
class Settling:
    """A step: the jobs that could settle one open comparison.

    Attributes:
        comparison: the comparison.
        jobs: its missing cells that no earlier step includes, preceded by the noises that they need.
        cost: the time that the jobs will take.
    """

    comparison: Open
    jobs: JobStep
    cost: Estimate


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What `decide` did.

    Attributes:
        attempted: the jobs of the steps that were run, with or without success.
        left: the steps that were not.
    """

    attempted: JobStep
    left: Sequence[Settling]


def settlings(
    plan: Plan,
    evidence: Evidence,
    claims: Claims | None,
    rates: Rates,
    workplaces: Sequence[Workplace],
    *,
    broken: Collection[str] = (),
) -> list[Settling]:
    """Return the steps that could settle what is open, cheapest first; a step costs only what earlier ones lack.

    Steps that need a noise that failed, or one that is not the published noise of its seed, are left out.

    Args:
        plan: the cells that may be run.
        evidence: the records so far.
        claims: the claims, of which some may be undecided.
        rates: used to estimate the cost.
        workplaces: one per worker; a noise that is recorded and in their cache costs nothing.
        broken: the keys of noises that failed without a record of it.
    """
    results, places = workplaces[0].results, workplaces[0].places
    store, opened = SharedNoises(results, (plan.protocol,), evidence), list[tuple[Open, JobStep]]()
    noises = {job.cell.key: job for job in plan.jobs if job.cell is job.noise}
    known = partition(noises.values(), store)
    made = {job.cell.key for job in known.done if is_at_hand(job, places)}
    failed = {
        *broken,
        *(job.cell.key for job in known.failed),
        *(key for key in noises if store.differs(noises[key].noise)),
    }
    victims = [job for job in plan.jobs if isinstance(job.cell, VictimCell)]
    for dataset in dict.fromkeys(job.cell.dataset for job in victims):
        by = {_wanted(job): job for job in victims if job.cell.dataset == dataset}
        missing = {cell for cell, job in by.items() if store.read(job.cell) is None}
        missing = {cell for cell in missing if not evidence.record(by[cell].cell, apart=results)}
        seeds = sorted({seed for _, seed in by})
        # new seeds cannot be pooled with older ones: their cells are of the newest versions
        for group in evidence.groups(dataset, plan.protocol.name, older=False):
            cells = [noises[key].cell for key in failed]
            lost = frozenset((cell.method, cell.seed) for cell in cells if cell.dataset == dataset)
            for one in (*_ties(group, seeds, lost), *_claims(claims, group, seeds, lost)):
                wanted = [cell for cell in one.cells if cell in missing]
                if wanted and all(cell in by for cell in one.cells):
                    opened.append((one, [by[cell] for cell in wanted]))
    return list(_cheapest_first(opened, noises, made, lambda jobs: estimate(jobs, rates, workplaces)))


def _wanted(job: Job) -> Wanted:
    return place_of(job.cell), job.cell.seed


def _cheapest_first(
    opened: Iterable[tuple[Open, JobStep]],
    noises: Mapping[str, Job],
    made: Collection[str],
    cost_of: Callable[[JobStep], Estimate],
) -> Iterator[Settling]:
    """Repeatedly yield the cheapest step; the others then get cheaper by the cells that they share with it."""
    left, planned = list(opened), set(made)

    def step(one: Open, missing: JobStep) -> Settling:
        new = {job.cell.key: job for job in missing if job.cell.key not in planned}
        needed = {job.noise.key: noises[job.noise.key] for job in new.values()}
        cost = cost_of([*(noise for key, noise in needed.items() if key not in planned), *new.values()])
        return Settling(comparison=one, jobs=(*needed.values(), *new.values()), cost=cost)

    while left:
        steps = [step(*each) for each in left]
        number = min(range(len(steps)), key=lambda number: steps[number].cost.order)
        del left[number]
        planned |= {job.cell.key for job in steps[number].jobs}
        yield steps[number]


def decide(
    find: Callable[[Collection[str]], list[Settling]],
    executor: Executor,
    *,
    store: SharedNoises,
    places: Places,
    budget: float | None,
) -> Decided:
    """Repeatedly run the first step, and return what was run and the steps that are left.

    A record may settle more than the comparison it was run for, so the steps are recomputed after each one. It stops
    before a step that is known to exceed the budget.

    Args:
        find: returns the steps, in order, given the keys of noises that could not be regenerated.
        executor: runs the cells.
        store: where records go, and what they are compared with.
        places: where data and cache are.
        budget: in seconds; None: no limit.

    Raises:
        RequestError: for missing data, weights or networks, before anything runs, or before a step that new records
            opened.
        KeyboardInterrupt: after printing what is left.
    """
    begun, tried, prepared = time.monotonic(), set[frozenset[str]](), set[str]()
    attempted, broken = dict[str, Job](), set[str]()
    while True:
        left = [step for step in find(broken) if step.jobs and _keys(step) not in tried]
        if not tried and left:
            prepare_run([job for step in left for job in step.jobs], store.root, places)
            prepared = {key for step in left for key in _keys(step)}
        if not left or (budget is not None and time.monotonic() - begun + left[0].cost.seconds > budget):
            return Decided(attempted=tuple(attempted.values()), left=left)
        if not _keys(left[0]) <= prepared:  # a step that was opened by new records
            prepare_run(left[0].jobs, store.root, places)
        tried.add(_keys(left[0]))
        todo = partition(left[0].jobs, store)
        if todo.missing:
            store.adopt(todo)
            run_todo(todo, executor, places)
            attempted |= {job.cell.key: job for job in left[0].jobs}
            broken |= {job.noise.key for job in partition(left[0].jobs, store).missing}


def _keys(step: Settling) -> frozenset[str]:
    return frozenset(job.cell.key for job in step.jobs)


def decide_text(steps: Sequence[Settling], *, further: bool = False) -> str:
    """Return a table of the steps, in order, with their new cells, their time and the cumulative time.

    Args:
        steps: the steps.
        further: whether other steps were run before.
    """
    if not steps:
        cell = "further cell" if further else "cell"
        return (
            f"No {cell} of this plan could settle an open comparison; more seeds might (--set 'seeds=[...]'). Records "
            "of older versions do not count until `run` without --decide has rerun their cells."
        )
    rows, total, unknown = [], 0.0, False
    for step in steps:
        total, unknown = total + step.cost.seconds, unknown or bool(step.cost.unknown)
        cells = sum(isinstance(job.cell, VictimCell) for job in step.jobs)
        took = [
            "unknown" if missing else duration(time)
            for time, missing in ((step.cost.seconds, step.cost.unknown), (total, unknown))
        ]
        rows.append((step.comparison.title, str(step.comparison.more), str(cells), *took))
    table = table_text(("could settle", "more seeds", "new cells", "time", "cumulative"), rows)
    return f"{table}\n\n{_ERROR_RATES}"


def _ties(group: Group, seeds: Sequence[int], lost: frozenset[Lost]) -> Iterator[Open]:
    """Yield the open comparisons of methods that are tied in rank."""
    measured = by_trainer(group.scores, load_suite(RANKING).trainers(group.protocol))
    names = [name for name in measured if name not in REFERENCES]
    for one, other in combinations(names, 2):
        if not better_of(measured[one], measured[other], group.pool):
            possible = [seed for seed in seeds if not {(one, seed), (other, seed)} & lost]
            yield from _tie((one, measured[one]), (other, measured[other]), possible, group.pool)


def _tie(one: tuple[str, Measured], other: tuple[str, Measured], seeds: Sequence[int], pool: Pool) -> Iterator[Open]:
    """Yield what would settle the order of two methods: more seeds of each against its strongest trainer.

    The trainers that the better one lacks are also needed; without a common seed, it is not known which one is better.
    """
    (first, mine), (second, theirs) = one, other
    found, over = strongest_of(mine, theirs), difference(mine, theirs, pool)
    more = 0 if over.is_decided else seeds_to_decide(over, (0.0,), pool) if over.n else DECIDING
    if found is None or more is None:
        return
    at_first, at_second = found
    have = shared_seeds(mine[at_first], theirs[at_second])
    new = [seed for seed in seeds if seed not in have][:more]
    if len(new) < more:
        return
    cells = [cell for seed in new for cell in ((_of(first, at_first), seed), (_of(second, at_second), seed))]
    if over.mean is not None:
        winner, stronger, weaker = (first, mine, theirs) if over.mean < 0 else (second, theirs, mine)
        cells += [
            (_of(winner, at), seed)
            for at in shareable(weaker) - shareable(stronger)
            for seed in weaker[at].seeds
            if seed in seeds
        ]
    if cells:
        yield Open(title=f"order of {first} and {second}", more=more, cells=tuple(dict.fromkeys(cells)))


def _of(method: str, trainer: Place) -> Place:
    """Return the place of a method's score at a trainer."""
    at = FIELDS.index("method")
    return (*trainer[:at], method, *trainer[at:])


def _claims(claims: Claims | None, group: Group, seeds: Sequence[int], lost: frozenset[Lost]) -> Iterator[Open]:
    """Yield the open comparisons of claims that a group leaves undecided."""
    for answer in answers(claims, [group]) if claims else []:
        if answer.verdict != "undecided" or answer.more is None:
            continue
        sides = [*answer.claim.sides, *answer.claim.proof[:1]]  # the clean mean that the proof takes is there
        methods = {side.method for side in sides}
        useless = {*answer.seeds, *answer.dead, *(seed for method, seed in lost if method in methods)}
        new = [seed for seed in seeds if seed not in useless][: answer.more]
        if len(new) == answer.more:
            cells = tuple(dict.fromkeys((side.at(answer.victim), seed) for seed in new for side in sides))
            yield Open(title=f"claim {answer.claim.name}, {answer.victim}", more=answer.more, cells=cells)
