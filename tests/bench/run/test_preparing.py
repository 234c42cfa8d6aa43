"""A countermeasure that learns: once per noise, kept, counted, shared, and the same after an interruption."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from attacks.core.cost import Passes
from attacks.core.errors import RequestError, StoppedError
from attacks.core.runtime import Runtime
from attacks.core.settings import AdamW, OptimiserSettings, OwnTable, Positive, Section
from attacks.engine.frozen import FrozenNetwork
from bench.config.load import load_protocol
from bench.data import Places
from bench.records.schema import Record
from bench.run.cell import run_cell
from bench.run.plan import Plan
from bench.run.preparing import unfinished_preparation
from bench.run.workplace import Workplace
from victims.countermeasures import COUNTERMEASURES
from victims.countermeasures.learning import Lessons
from victims.countermeasures.spec import Countermeasure, Pairs, Preparation, Prepared

SMALL = (
    "setup.precision=fp32",
    "setup.noise.steps=1",
    "setup.noise.descent.steps=1",
    "setup.victim.steps=2",
    "setup.victim.batch=4",
    "methods=random",
)
BATCH = 4


class Scrub(OwnTable):
    """The toy countermeasure's own numbers."""

    table: ClassVar[str] = "scrub"

    steps: Positive = 5
    shift: Positive = 4
    optimiser: OptimiserSettings = AdamW(kind="adamw", lr=0.01)


@dataclass
class Log:
    """What the toy countermeasure did, over all of its runs."""

    begun: int = 0
    steps: int = 0


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    """Register a toy countermeasure that trains a network and shifts each pixel by the sign of its gradient."""
    log = Log()

    def prepare(given: Preparation) -> Prepared:
        log.begun += 1
        own = Scrub.of(given.settings)
        network = given.runtime.place(given.network("resnet18-w8"))

        def loss(images: Tensor, labels: Tensor) -> Tensor:
            log.steps += 1
            shaken = images + 0.1 * torch.rand(images.shape, generator=given.generator) + 0.1 * torch.rand(())
            return functional.cross_entropy(network(shaken), labels)

        trained = Lessons(given).learn(network, steps=own.steps, batch=BATCH, optimiser=own.optimiser, loss=loss)
        images = given.runtime.pixels(given.images)
        slope = FrozenNetwork(network, images[:2], given.runtime).gradient(images, given.labels).sign()
        changed = (given.images + own.shift * slope).clamp_(0, 255).to(torch.uint8)
        return Prepared(images=changed, test=255 - given.test, passes=trained + Passes(attack=len(images)))

    def passes(settings: Section, images: int) -> Passes:
        return Passes(train=Scrub.of(settings).steps * min(BATCH, images), attack=images)

    toy = Countermeasure(
        name="scrub", title="toy", source="this test", reads=("network", Scrub), prepare=prepare, passes=passes
    )
    monkeypatch.setitem(COUNTERMEASURES, "scrub", toy)
    return log


Bench = Callable[..., dict[str, Record]]


@pytest.fixture
def bench(plan_of: Callable[..., Plan], dots: Path, tmp_path: Path) -> Bench:
    """Run a grid on a few images, in folders of the given name, and return the records by label."""

    def go(name: str, *changes: str, stops: int | None = None, report: Callable = lambda _done, _all: None) -> dict:
        left = [stops]

        def stopping() -> bool:
            if left[0] is None:
                return False
            left[0] -= 1
            return left[0] < 0

        places = Places(data=tmp_path / "data", cache=tmp_path / name / "cache")
        here = Workplace(results=tmp_path / name, places=places, device="cpu", threads=1, by="test")
        grid = ("radii=[0]", "countermeasures=['scrub']")
        jobs = plan_of(f"datasets=folder:{dots}", *SMALL, *grid, *changes).jobs
        records = {job.cell.label: run_cell(job, here, report, stopping) for job in jobs}
        assert [record.error for record in records.values() if record.status == "failed"] == []
        return records

    return go


def numbers(record: Record) -> tuple[object, ...]:
    return record.metrics, getattr(record, "curve", ()), {phase: cost.passes for phase, cost in record.costs.items()}


def label(victim: str = "resnet18-w8", radius: int = 0, seed: int = 0) -> str:
    return f"dots/random/{victim}/r{radius}-s{seed}-scrub"


def test_it_is_learnt_once_for_a_noise_and_counted_in_each_record(bench: Bench, log: Log) -> None:
    victims = "victims=['resnet18-w8','mixer_s32_224-w32']"
    records = bench("one", victims, "radii=[0,4]", "seeds=[0,1]")
    assert log.begun == 2  # once per seed
    assert len(records) == 2 + 8
    seconds = set()
    for name, record in records.items():
        if "noise" not in name:
            assert record.costs["preparation"].passes == Passes(train=20, attack=12)
            assert record.costs["training"].passes.train == 2 * 4
            seconds.add(record.costs["preparation"].seconds)
    assert len(seconds) == 2
    again = bench("two", "victims=['mixer_s32_224-w32']", "radii=[4]")  # made by another victim: the same images
    for name, record in again.items():
        assert numbers(record) == numbers(records[name])


@pytest.mark.parametrize(
    ("name", "number", "large"), [("adversarial-noise", "hidden", 10**12), ("d-vae", "width", 10**5)]
)
def test_one_that_needs_more_memory_than_there_is_fails_alone(bench: Bench, name: str, number: str, large: int) -> None:
    key = f"setup.countermeasure.{name}.{number}"
    changes = (f"countermeasures=['{name}','standard']", f"{key}={large}")
    with pytest.raises(AssertionError, match=f"MemoryError: .*: set {key} to a smaller number"):
        bench("large", *changes)


def test_the_memory_is_that_for_the_images_and_their_classes(
    bench: Bench, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[object, ...]] = []

    def memory(_settings: Section, *about: object) -> tuple[int, str]:
        asked.append(about)
        return 0, ""

    monkeypatch.setitem(COUNTERMEASURES, "scrub", replace(COUNTERMEASURES["scrub"], memory=memory))
    bench("asked")
    assert asked == [((3, 8, 8), 2)]
    assert log.begun == 1


def test_the_time_of_a_filter_includes_what_the_device_has_yet_to_do(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Runtime, "synchronise", lambda _runtime: time.sleep(0.2))
    records = bench("filtered", "countermeasures=['grayscale']")
    assert records["dots/random/resnet18-w8/r0-s0-grayscale"].costs["preparation"].seconds >= 0.2


def test_the_plan_counts_it(plan_of: Callable[..., Plan], dots: Path, bench: Bench, log: Log) -> None:
    changes = ("countermeasures=['scrub','standard']", "setup.countermeasure.scrub.steps=7")
    records = bench("counted", *changes)
    for job in plan_of(f"datasets=folder:{dots}", *SMALL, "radii=[0]", *changes).jobs[1:]:
        made = sum((cost.passes for cost in records[job.cell.label].costs.values()), Passes())
        assert made == job.passes
        assert job.preparation == (Passes(train=28, attack=12) if "scrub" in job.cell.label else Passes())


def test_its_own_numbers_decide_it(bench: Bench, log: Log) -> None:
    one = bench("own")
    other = bench("own", "setup.countermeasure.scrub.shift=90")
    assert log.begun == 2
    assert one[label()].curve != other[label()].curve
    for wrong, said in (("scrub.stepz=3", "did you mean 'steps'"), ("scrubs.steps=3", "did you mean 'scrub'")):
        with pytest.raises(RequestError, match=said):
            load_protocol("smoke-v1", [f"setup.countermeasure.{wrong}"])


@pytest.mark.parametrize("stops", [0, 2, 4, 5, 6])
def test_it_resumes_to_the_same_result(stops: int, bench: Bench, log: Log, tmp_path: Path) -> None:
    whole = bench("whole")
    assert (log.begun, log.steps) == (1, 5)
    with pytest.raises(StoppedError):
        bench("cut", stops=stops)
    assert log.steps == 5 + min(stops, 5)
    if stops < 5:
        assert list((tmp_path / "cut" / "cache" / "unfinished").iterdir())
    resumed = bench("cut")
    assert log.steps == 10  # no step was repeated
    assert numbers(resumed[label()]) == numbers(whole[label()])
    assert not list((tmp_path / "cut" / "cache" / "unfinished").iterdir())


def test_a_damaged_file_is_set_aside_and_made_again(bench: Bench, log: Log, tmp_path: Path) -> None:
    first = bench("damaged")
    (file,) = (tmp_path / "damaged" / "cache" / "prepared").rglob("*.safetensors")
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    for record in (tmp_path / "damaged").glob("records/**/*.json"):
        record.unlink()
    second = bench("damaged")
    assert log.begun == 2
    assert [path.name for path in file.parent.iterdir() if "corrupt" in path.name] == [f"{file.name}.corrupt"]
    assert numbers(first[label()]) == numbers(second[label()])


def test_a_noise_that_was_regenerated_and_differs_is_learnt_anew(
    bench: Bench, log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the same key, but other bytes, as after the cache had lost it and another machine made it again."""
    from bench.run import cell

    first = bench("lost")
    folder = tmp_path / "lost"
    for path in (
        *folder.glob("records/**/*.json"),
        *folder.glob("noise/**/*.json"),
        *folder.glob("cache/noise/**/*.*"),
    ):
        path.unlink()
    original = cell.make_noise
    monkeypatch.setattr(cell, "make_noise", lambda *given: replace(made := original(*given), noise=-made.noise))
    second = bench("lost")
    assert log.begun == 2
    assert first[label()].digests["noise"] != second[label()].digests["noise"]


def test_a_preparation_is_not_part_of_the_time_and_memory_of_its_victim(
    bench: Bench, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.run.cell import process

    resets: list[int] = []
    monkeypatch.setattr(process, "reset_peak", lambda _: resets.append(log.begun))
    bench("apart", "countermeasures=['standard','grayscale','scrub']")
    assert resets == [0, 0, 0, 0, 1]  # a noise and three victims, one of them again after its preparation


def test_two_runners_learn_it_once(bench: Bench, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.run.leases.SECONDS_BETWEEN_LOOKS", 0.01)
    monkeypatch.setattr("bench.run.leases.warn_of_waiting", lambda *_: waiting.set())
    started, waiting, known = threading.Event(), threading.Event(), COUNTERMEASURES["scrub"]

    def slow(given: Preparation) -> Prepared:
        started.set()
        assert waiting.wait(60)
        return known.prepare(given)

    bench("both", "countermeasures=['standard']")  # now the noise exists
    monkeypatch.setitem(COUNTERMEASURES, "scrub", replace(known, prepare=slow))
    found: dict[str, Record] = {}
    other = threading.Thread(target=lambda: found.update(bench("both", "radii=[4]")))
    other.start()
    assert started.wait(60)
    found |= bench("both", "radii=[0]")
    other.join()
    assert log.begun == 1
    assert found[label()].costs["preparation"] == found[label(radius=4)].costs["preparation"]


def test_a_failure_is_the_cells_and_begins_anew(bench: Bench, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    known = COUNTERMEASURES["scrub"]

    def fail(given: Preparation) -> Prepared:
        raise RuntimeError("no")

    monkeypatch.setitem(COUNTERMEASURES, "scrub", replace(known, prepare=fail))
    with pytest.raises(AssertionError, match="RuntimeError: no"):
        bench("broken")
    monkeypatch.setitem(COUNTERMEASURES, "scrub", known)
    assert bench("broken")[label()].costs["preparation"]


def test_what_was_learnt_outlasts_what_ends_the_run(
    bench: Bench, log: Log, plan_of: Callable[..., Plan], dots: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(given: Preparation) -> Prepared:
        raise RequestError("cannot write: No space left on device; free some space")

    with pytest.raises(StoppedError):
        bench("full", stops=2)
    with monkeypatch.context() as full:
        full.setitem(COUNTERMEASURES, "scrub", replace(COUNTERMEASURES["scrub"], prepare=fail))
        with pytest.raises(RequestError, match="No space left"):
            bench("full")
    victim = plan_of(f"datasets=folder:{dots}", *SMALL, "radii=[0]", "countermeasures=['scrub']").jobs[-1]
    places = Places(data=tmp_path / "data", cache=tmp_path / "full" / "cache")
    here = Workplace(results=tmp_path / "full", places=places, device="cpu", threads=1, by="test")
    assert list((places.cache / "unfinished").iterdir()) == [unfinished_preparation(victim, here)]
    bench("full")
    assert log.steps == 5  # none was repeated


def test_its_progress_is_its_share_of_the_cell(bench: Bench, log: Log) -> None:
    shares: list[float] = []
    bench("shown", report=lambda done, total: shares.append(done / total))
    victim = shares[-7:]
    assert victim == sorted(victim)
    assert 0.5 < victim[4] < victim[-1] < 1  # more image-passes than two steps and evaluations; one of these is left


def test_passes_that_are_made_must_be_declared(bench: Bench, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COUNTERMEASURES, "scrub", replace(COUNTERMEASURES["scrub"], passes=None))
    with pytest.raises(AssertionError, match="scrub counts image-passes in `prepare` but declares none; set its `pass"):
        bench("undeclared")
    assert log.begun == 1


def test_what_learns_nothing_is_timed_apart_from_training_and_leaves_no_file(
    bench: Bench, tmp_path: Path, log: Log
) -> None:
    records = bench("filters", "countermeasures=['standard','grayscale','median-3x3','orthogonal-projection']")
    standard = records.pop(label().removesuffix("-scrub"))
    assert set(standard.costs) == {"training", "evaluation"}
    for name, record in records.items():
        if "noise" not in name:
            assert record.costs["preparation"].passes == Passes()
            assert record.costs["preparation"].seconds > 0
            assert record.costs["training"].passes == standard.costs["training"].passes
    assert not (tmp_path / "filters" / "cache" / "prepared").exists()
    assert log.begun == 0


def test_test_images_are_changed_where_it_says(
    bench: Bench, log: Log, monkeypatch: pytest.MonkeyPatch, plan_of: Callable[..., Plan]
) -> None:
    seen: list[Tensor] = []
    from bench.run import cell

    original = cell.train
    monkeypatch.setattr("bench.run.cell.train", lambda task: (seen.append(task.test.images), original(task))[1])
    bench("test", "countermeasures=['scrub','standard']")
    bench("test", "radii=[4]")  # from the file
    scrubbed, plain, kept = seen
    assert torch.equal(scrubbed, 255 - plain)
    assert torch.equal(kept, scrubbed)


def test_a_preparation_that_diverges_says_so(bench: Bench, log: Log) -> None:
    with pytest.raises(AssertionError, match="the preparation diverged: the loss is"):
        bench("wild", "setup.countermeasure.scrub.optimiser={kind='sgd',lr=1e30}")


def test_only_the_pairs_that_leak_are_shown(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Preparation] = []

    def prepare(given: Preparation) -> Prepared:
        seen.append(given)
        return Prepared(images=given.images)

    def leak(count: int | None, name: str, *changes: str) -> Pairs | None:
        pairs = None if count is None else lambda _settings: count
        toy = Countermeasure(name="leak", title="toy", source="this test", prepare=prepare, pairs=pairs)
        monkeypatch.setitem(COUNTERMEASURES, "leak", toy)
        bench(name, "countermeasures=['leak']", *changes)
        return seen[-1].pairs

    def held(pairs: Pairs | None) -> set[tuple[bytes, bytes]]:
        assert pairs is not None
        both = zip(pairs.clean, pairs.protected, strict=True)
        return {(clean.numpy().tobytes(), noisy.numpy().tobytes()) for clean, noisy in both}

    assert leak(None, "none") is None
    few, more, everything = (held(leak(count, str(count))) for count in (3, 5, 500))
    assert (len(few), len(more), len(everything)) == (3, 5, 12)
    assert few < more < everything  # nested with the same seed
    assert {noisy for _, noisy in everything} == {image.numpy().tobytes() for image in seen[-1].images}
    assert all(clean != noisy for clean, noisy in everything)
    largest = max(
        int(np.abs(np.frombuffer(clean, np.uint8).astype(int) - np.frombuffer(noisy, np.uint8)).max())
        for clean, noisy in everything
    )
    assert largest == 8  # the noise's radius: each image is paired with its own
    assert held(leak(3, "other", "seeds=[1]")).isdisjoint(few)
    leak(500, "shared", "methods=['clean','random']", "shares=[50]")
    unprotected, half = (held(given.pairs) for given in seen[-2:])
    assert len(unprotected) == 6
    assert all(clean == noisy for clean, noisy in unprotected)
    assert sum(clean != noisy for clean, noisy in half) == 6
