"""Only what is undecided: which cells could settle an open comparison, in which order, and when to stop."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from attacks.core.errors import RequestError
from bench.compare.decide import Settling, decide, decide_text, settlings
from bench.compare.evidence import Evidence, SharedNoises
from bench.config.load import load_protocol
from bench.config.models import Grid, VictimCell
from bench.data.dataset import Places
from bench.records.noise_cache import noise_file
from bench.records.schema import Cost, Environment, Metrics, NoiseMetrics, NoiseRecord, Record, VictimRecord
from bench.records.store import Store
from bench.report.claims import Claims
from bench.run.devices import workplaces
from bench.run.executors.event import Event
from bench.run.job import Job
from bench.run.plan import Plan, make_plan
from bench.run.progress import work
from bench.run.rates import Rates
from bench.run.todo import partition

ENVIRONMENT = Environment(
    device="Synthetic", driver=None, threads=1, platform="test", versions={}, commit="0" * 40, dirty=False
)
COMMON = {"status": "ok", "environment": ENVIRONMENT, "finished": "2026-01-01T00:00:00Z", "by": "test"}


def record_of(job: Job, accuracy: float) -> Record:
    common = COMMON | {"precision": job.setup.precision, "digests": {"dataset": "d" * 64, "noise": job.noise.key}}
    if not isinstance(job.cell, VictimCell):
        sizes = NoiseMetrics(linf=8, l2_mean=300)
        return NoiseRecord(cell=job.cell, metrics=sizes, bound="L-inf rho_u", bounded=True, **common)
    metrics = Metrics(accuracy_final=accuracy, accuracy_last_mean=accuracy, accuracy_peak=accuracy)
    costs = {"training": Cost(seconds=60, passes=job.passes)}
    return VictimRecord(cell=job.cell, metrics=metrics, costs=costs, **common)


def planned(places: Places, seeds: Sequence[int], methods: Sequence[str] = ("pil-liu26", "tap-fowl21")) -> Plan:
    grid = Grid.model_validate(
        {
            "name": "g",
            "protocol": "smoke-v1",
            "datasets": ("photo-patches",),
            "methods": tuple(methods),
            "victims": ("resnet18-w8",),
            "radii": (0, 4),
            "seeds": tuple(seeds),
        }
    )
    return make_plan(grid, load_protocol("smoke-v1"), places)


Accuracy = Callable[[VictimCell], float | None]


@pytest.fixture
def steps_of(tmp_path: Path, places: Places) -> Callable[..., list[Settling]]:
    """Write accuracies of cells, and return the steps that remain of a plan with more seeds, at 100 passes/s.

    With a folder `own`, what is written is the published records.
    """
    store = Store(tmp_path / "results")

    def find(
        accuracy: Accuracy,
        seeds: Sequence[int],
        claims: Claims | None = None,
        workers: int = 1,
        broken: Collection[str] = (),
        own: Path | None = None,
    ) -> list[Settling]:
        plan, results = planned(places, seeds), own or store.root
        here = workplaces("cpu", workers, results=results, places=places, by="")
        rates = Rates(here[0])
        rates.note("resnet18-w8", 32, plan.jobs[0].setup, 100.0)
        for job in plan.jobs:
            value = accuracy(job.cell) if isinstance(job.cell, VictimCell) else 0.0
            if value is not None and store.read(job.cell) is None:
                store.write(record_of(job, value))
        return settlings(plan, Evidence(store.root, results), claims, rates, here, broken=broken)

    return find


def shared(results: Path, *published: Path) -> SharedNoises:
    return SharedNoises(results, (), Evidence(*published, results))


def wanted(step: Settling) -> set[tuple[str, float, int]]:
    cells = [job.cell for job in step.jobs if isinstance(job.cell, VictimCell)]
    return {(cell.method, cell.rho_a, cell.seed) for cell in cells}


def two_of(cell: VictimCell) -> float | None:
    """Return an accuracy for two seeds, too few to decide, of two methods far apart, both highest at radius 4."""
    left = 20.0 if cell.method == "pil-liu26" else 50.0
    return left + 10 * (cell.rho_a == 4) + cell.seed / 10 if cell.seed < 2 else None


def test_a_tie_takes_the_seeds_that_it_lacks_at_the_strongest_trainers(steps_of: Callable[..., list[Settling]]) -> None:
    (step,) = steps_of(two_of, [0, 1, 2, 3])
    assert step.comparison.more == 1
    assert wanted(step) == {("pil-liu26", 4, 2), ("tap-fowl21", 4, 2)}
    assert {job.cell.method for job in step.jobs if job.cell is job.noise} == {"pil-liu26", "tap-fowl21"}
    assert "order of pil-liu26 and tap-fowl21" in decide_text([step])
    assert "seeds added because a result was undecided raise them" in decide_text([step])


def test_what_the_plan_has_no_seeds_for_is_left_out(steps_of: Callable[..., list[Settling]]) -> None:
    found = steps_of(two_of, [0, 1])
    assert found == []
    assert decide_text(found).startswith("No cell of this plan could settle")
    assert "more seeds might (--set 'seeds=[...]'). Records of older versions do not count" in decide_text(found)


def test_what_is_decided_takes_nothing(steps_of: Callable[..., list[Settling]]) -> None:
    def three(cell: VictimCell) -> float | None:
        return two_of(cell.model_copy(update={"seed": 0})) if cell.seed < 3 else None

    assert steps_of(three, range(6)) == []


def test_a_better_method_takes_the_trainers_that_it_lacks(steps_of: Callable[..., list[Settling]]) -> None:
    """PIL is certainly better at radius 0, but only TAP was measured at radius 4."""

    def gap(cell: VictimCell) -> float | None:
        if cell.seed > 2 or (cell.method == "pil-liu26" and cell.rho_a == 4):
            return None
        return 20.0 if cell.method == "pil-liu26" else 50.0 - cell.rho_a

    (step,) = steps_of(gap, range(5))
    assert step.comparison.more == 0
    assert wanted(step) == {("pil-liu26", 4, seed) for seed in (0, 1, 2)}


def apart(cell: VictimCell) -> float | None:
    """Return an accuracy for one seed at each radius, another one at the other; PIL is highest at 0, TAP at 4."""
    accuracies = {
        ("pil-liu26", 0.0): 20.0,
        ("pil-liu26", 4.0): 10.0,
        ("tap-fowl21", 0.0): 30.0,
        ("tap-fowl21", 4.0): 50.0,
    }
    return accuracies[cell.method, cell.rho_a] if cell.seed == (1 if cell.rho_a else 0) else None


def test_strongest_trainers_without_a_common_seed_take_the_fewest_that_decide(
    steps_of: Callable[..., list[Settling]],
) -> None:
    assert steps_of(apart, [0, 1]) == []
    (step,) = steps_of(apart, [0, 1, 2])
    assert step.comparison.more == 3
    assert wanted(step) == {("pil-liu26", 0, 1), ("pil-liu26", 0, 2), ("tap-fowl21", 4, 0), ("tap-fowl21", 4, 2)}


def claim_at_radius_0() -> Claims:
    """Return a claim about both methods in standard training."""
    scale = {"name": "s", "title": "s", "dataset": "photo-patches", "protocol": "smoke-v1"}
    scale["victims"] = {"resnet": "resnet18-w8"}
    sides = {"first": {"method": "pil-liu26"}, "second": {"method": "tap-fowl21"}}
    claim = {"name": "c", "source": "x", "grade": "C", "text": "t", "says": "lower", "by": 1, "scales": ["s"], **sides}
    return Claims.model_validate({"scale": [scale], "claim": [claim]})


def test_an_undecided_claim_takes_its_own_cells(steps_of: Callable[..., list[Settling]]) -> None:
    found = steps_of(two_of, [0, 1, 2], claim_at_radius_0())
    assert {step.comparison.title: wanted(step) for step in found} == {
        "order of pil-liu26 and tap-fowl21": {("pil-liu26", 4, 2), ("tap-fowl21", 4, 2)},
        "claim c, resnet18-w8": {("pil-liu26", 0, 2), ("tap-fowl21", 0, 2)},
    }
    times = [step.cost.seconds for step in found]
    assert len(found[0].jobs) == 4  # the first includes the cost of the noises
    assert times[0] > 0


def test_noises_in_the_cache_cost_nothing(steps_of: Callable[..., list[Settling]], places: Places) -> None:
    (before,) = steps_of(two_of, [0, 1, 2])
    noises = [job for job in before.jobs if job.cell is job.noise]
    for job in noises:
        path = noise_file(places, job.noise)
        path.parent.mkdir(parents=True)
        path.touch()
    (after,) = steps_of(two_of, [0, 1, 2])
    assert after.jobs == before.jobs
    saved = sum(work(job) for job in noises if job.network)
    assert saved > 0
    assert after.cost.seconds == pytest.approx(before.cost.seconds - saved / 100)


def test_two_workers_take_half_the_time(steps_of: Callable[..., list[Settling]]) -> None:
    (alone,), (both,) = (steps_of(two_of, [0, 1, 2], workers=workers) for workers in (1, 2))
    assert alone.jobs == both.jobs
    assert alone.cost.seconds == pytest.approx(sum(work(job) for job in alone.jobs if job.network) / 100)
    assert both.cost.seconds == pytest.approx(alone.cost.seconds / 2)


class Recorder:
    """An executor that notes its jobs and writes their records."""

    def __init__(self, store: Store, accuracy: float) -> None:
        self.store, self.accuracy, self.ran = store, accuracy, list[str]()

    def run(self, jobs: Sequence[Job]) -> list[Event]:
        for job in jobs:
            self.store.write(record_of(job, self.accuracy))
            self.ran.append(job.cell.label)
        return [Event(kind="ended", job=job, status="ok") for job in jobs]


@pytest.mark.parametrize(("budget", "runs"), [(None, True), (1e9, True), (0.0, False)])
def test_it_runs_step_after_step_and_stops_at_the_budget(
    budget: float | None, runs: bool, steps_of: Callable[..., list[Settling]], tmp_path: Path, places: Places
) -> None:
    store = shared(tmp_path / "results")
    recorder = Recorder(store, 30.0)
    done = decide(
        lambda _broken: steps_of(lambda cell: None if cell.seed > 1 else two_of(cell), [0, 1, 2]),
        recorder,
        store=store,
        places=places,
        budget=budget,
    )
    assert bool(recorder.ran) == runs
    assert (done.left == []) == runs
    assert {job.cell.label for job in done.attempted} == set(recorder.ran)


class Idle:
    """An executor that cannot regenerate any noise."""

    def __init__(self) -> None:
        self.ran = list[list[str]]()

    def run(self, jobs: Sequence[Job]) -> list[Event]:
        self.ran.append([job.cell.label for job in jobs])
        return []


def test_a_noise_that_cannot_be_regenerated_is_tried_in_one_step_only(
    steps_of: Callable[..., list[Settling]], tmp_path: Path, places: Places
) -> None:
    idle, store = Idle(), shared(tmp_path / "results")
    assert len(steps_of(two_of, [0, 1, 2], claim_at_radius_0())) == 2
    done = decide(
        lambda broken: steps_of(two_of, [0, 1, 2], claim_at_radius_0(), broken=broken),
        idle,
        store=store,
        places=places,
        budget=None,
    )
    assert len(idle.ran) == 1
    assert done.left == []
    missing = partition(done.attempted, store).missing
    assert {(job.cell.method, job.cell.seed) for job in missing} == {("pil-liu26", 2), ("tap-fowl21", 2)}
    assert decide_text(done.left, further=True).startswith("No further cell of this plan could settle")


def test_a_comparison_whose_noise_failed_takes_nothing(steps_of: Callable[..., list[Settling]], tmp_path: Path) -> None:
    (step,) = steps_of(two_of, [0, 1, 2])
    noise, store = step.jobs[0], Store(tmp_path / "results")
    store.path(noise.cell).unlink()  # a finished record is not overwritten
    store.write(record_of(noise, 0.0).model_copy(update={"status": "failed", "error": "no", "metrics": None}))
    assert steps_of(two_of, [0, 1, 2]) == []


def test_seeds_whose_noise_failed_give_way_to_others(steps_of: Callable[..., list[Settling]], places: Places) -> None:
    """Seeds 2 and 3 are as good as each other, but the noise of seed 2 was lost."""
    seeds = range(4)
    lost = next(job.cell.key for job in planned(places, seeds).jobs if job.cell.seed == 2 and job.cell is job.noise)

    def measured(cell: VictimCell) -> float | None:
        return None if cell.seed > 1 else two_of(cell)

    assert {seed for step in steps_of(measured, seeds) for _, _, seed in wanted(step)} == {2}
    assert {seed for step in steps_of(measured, seeds, broken={lost}) for _, _, seed in wanted(step)} == {3}


def test_seeds_whose_own_noise_is_not_the_published_one_give_way_to_others(
    steps_of: Callable[..., list[Settling]], tmp_path: Path, places: Places
) -> None:
    own, record = Store(tmp_path / "own"), record_of(planned(places, [2]).jobs[0], 0.0)
    own.write(record)
    (step,) = steps_of(two_of, range(4), own=own.root)
    assert {seed for _, _, seed in wanted(step)} == {2}
    own.path(record.cell).unlink()  # a finished record is not overwritten
    own.write(record.model_copy(update={"digests": record.digests | {"noise": "0" * 64}}))
    (step,) = steps_of(two_of, range(4), own=own.root)
    assert {seed for _, _, seed in wanted(step)} == {3}


def test_a_noise_is_checked_against_its_published_record(
    steps_of: Callable[..., list[Settling]], tmp_path: Path, places: Places
) -> None:
    own, found = Store(tmp_path / "own"), list[Record | None]()

    class Reader:
        """An executor that reads the records that noises would be checked against."""

        def run(self, jobs: Sequence[Job]) -> list[Event]:
            found.extend(own.read(job.cell) for job in jobs if job.cell is job.noise)
            return []

    decide(
        lambda broken: steps_of(two_of, [0, 1, 2], broken=broken, own=own.root),
        Reader(),
        store=shared(own.root, tmp_path / "results"),
        places=places,
        budget=None,
    )
    assert found == [record_of(job, 0.0) for job in planned(places, [2]).jobs if job.cell is job.noise]


def test_new_seeds_are_not_pooled_with_those_of_an_older_version(
    steps_of: Callable[..., list[Settling]], tmp_path: Path, places: Places
) -> None:
    """PIL was measured at radius 4 before its newest version, and at radius 0 with it."""

    def is_older(cell: VictimCell) -> bool:
        return (cell.method, cell.rho_a) == ("pil-liu26", 4)

    for job in planned(places, [0, 1]).jobs:
        if isinstance(job.cell, VictimCell) and is_older(job.cell):
            older = job.cell.model_copy(update={"inputs": job.cell.inputs | {"method": f"{job.cell.method}/0"}})
            Store(tmp_path / "results").write(record_of(replace(job, cell=older), two_of(job.cell) or 0.0))
    (step,) = steps_of(lambda cell: None if is_older(cell) else two_of(cell), [0, 1, 2], own=tmp_path / "own")
    assert wanted(step) == {("pil-liu26", 4, 0), ("pil-liu26", 4, 1), ("pil-liu26", 0, 2), ("tap-fowl21", 0, 2)}


def test_a_failed_record_does_not_hide_one_of_another_folder_that_succeeded(tmp_path: Path, places: Places) -> None:
    noise, *_, victim = planned(places, [0], ["pil-liu26"]).jobs
    published, own = Store(tmp_path / "published"), Store(tmp_path / "own")
    for job in (noise, victim):
        published.write(record_of(job, 50.0))
    own.write(record_of(victim, 0.0).model_copy(update={"status": "failed", "error": "no", "metrics": None}))
    frame = Evidence(published.root, own.root).frame()
    assert frame["status"].tolist() == ["ok"]
    assert Evidence(own.root).frame()["status"].tolist() == ["failed"]


def test_a_name_is_taken_on_its_own_dataset_only(tmp_path: Path, places: Places) -> None:
    for job in planned(places, [0], ["pil-liu26"]).jobs:
        Store(tmp_path).write(record_of(job, 50.0))
    evidence = Evidence(tmp_path)
    evidence.refuse_namesake("pil-liu26", "another", "cifar10")
    with pytest.raises(RequestError, match="another noise called 'pil-liu26'"):
        evidence.refuse_namesake("pil-liu26", "another", "photo-patches")
