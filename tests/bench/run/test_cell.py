"""What cells are run with: methods are compared in pairs, and a share protects the right images."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from attacks.core.captured import Captured, Step
from attacks.core.errors import RequestError, StoppedError
from attacks.core.settings import Augment
from attacks.engine import noise as noise_files
from attacks.engine.noise import Provenance, save_noise
from attacks.task import Task
from bench.data import Places
from bench.data.dataset import Dataset
from bench.records.noise_cache import forget_noise, noise_file, read_noise
from bench.records.schema import Record
from bench.records.store import Store
from bench.run import cell, process
from bench.run.cell import run_cell
from bench.run.environment import code
from bench.run.job import Job
from bench.run.keeper import FileKeeper
from bench.run.plan import Plan
from bench.run.preflight import prepare_run
from bench.run.workplace import Workplace
from bench.validation.reading import read_record
from victims.train import Outcome, Training, train

SMALL = (
    "setup.precision=fp32",
    "setup.noise.steps=1",
    "setup.noise.descent.steps=1",
    "setup.victim.steps=1",
    "setup.victim.batch=4",
)


@dataclass(frozen=True)
class Start:
    """What a network starts from, copied before training: weights, generator states, images, labels, augmentation."""

    weights: dict[str, Tensor]
    draws: Tensor
    global_draws: Tensor
    images: Tensor
    labels: Tensor
    augment: Augment


@dataclass
class Watch:
    """Notes what the network of each cell starts from, by the cell's label."""

    label: str = ""
    starts: dict[str, Start] = field(default_factory=dict)

    def task(self, **given: Any) -> Task:
        task = Task(**given)
        self._note(task.network(), task.generator, task.images, task.labels, task.augment)
        return task

    def train(self, task: Training) -> Outcome:
        self._note(task.network, task.generator, task.train.images, task.train.labels, task.augment)
        return train(task)

    def _note(
        self, network: nn.Module, generator: torch.Generator, images: Tensor, labels: Tensor, augment: Augment
    ) -> None:
        weights = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        states = generator.get_state(), torch.get_rng_state()
        self.starts[self.label] = Start(weights, *states, images.clone(), labels.clone(), augment)


@pytest.fixture
def starts(
    plan_of: Callable[..., Plan], places: Places, dots: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, Start]]:
    """Really run a grid on a few images, and return what each network started from."""

    def carried_out(*changes: str) -> dict[str, Start]:
        watch = Watch()
        monkeypatch.setattr("bench.run.making.Task", watch.task)
        monkeypatch.setattr("bench.run.cell.train", watch.train)
        here = Workplace(results=tmp_path / "results", places=places, device="cpu", threads=1, by="test")
        for job in plan_of(f"datasets=folder:{dots}", *SMALL, *changes).jobs:
            watch.label = job.cell.label
            record = run_cell(job, here, lambda _done, _all: None, lambda: False)
            assert record.status == "ok", record
        return watch.starts

    return carried_out


def paired(one: Start, other: Start) -> bool:
    """Return whether two networks start from the same weights and the same draws of batches, views and dropout."""
    assert one.weights.keys() == other.weights.keys()
    weights = all(torch.equal(tensor, other.weights[name]) for name, tensor in one.weights.items())
    return weights and torch.equal(one.draws, other.draws) and torch.equal(one.global_draws, other.global_draws)


def test_methods_are_compared_in_pairs(starts: Callable[..., dict[str, Start]]) -> None:
    found = starts("methods=random,em-fu22-aligned,sem-liu24", "radii=[0,4]", "seeds=[0,1]")
    noise, victim = "dots/{}/noise/s{}", "dots/{}/resnet18-w8/r{}-s{}"
    for seed in (0, 1):
        assert paired(found[noise.format("em-fu22-aligned", seed)], found[noise.format("sem-liu24", seed)])
        for radius in (0, 4):
            one, *others = (
                found[victim.format(method, radius, seed)] for method in ("random", "em-fu22-aligned", "sem-liu24")
            )
            assert all(paired(one, other) for other in others)
            assert not any(torch.equal(one.images, other.images) for other in others)
    assert not paired(found[noise.format("sem-liu24", 0)], found[noise.format("sem-liu24", 1)])
    assert not paired(found[victim.format("random", 0, 0)], found[victim.format("random", 0, 1)])


def test_the_unprotected_part_is_what_a_share_leaves(starts: Callable[..., dict[str, Start]]) -> None:
    found = starts("methods=random", "radii=[0]", "shares=[25,100]")
    victim = "dots/{}/resnet18-w8/r0-s0{}".format
    clean, partly, rest = (
        found[victim(*names)] for names in (("clean", ""), ("random", "-p25"), ("clean", "-p25-unprotected"))
    )
    left = (partly.images == clean.images).flatten(1).all(1)
    assert (len(left), int(left.sum())) == (12, 9)
    assert torch.equal(partly.labels, clean.labels)
    assert torch.equal(rest.images, clean.images[left])
    assert torch.equal(rest.labels, clean.labels[left])


def test_a_victim_sees_views_of_its_own_where_it_has_them(starts: Callable[..., dict[str, Start]]) -> None:
    noise, victim = "dots/sem-liu24/noise/s0", "dots/sem-liu24/resnet18-w8/r0-s0"
    shared = starts("methods=sem", "radii=[0]", "setup.augment.padding=3")
    assert (shared[noise].augment.padding, shared[victim].augment.padding) == (3, 3)
    own = starts("methods=sem", "radii=[0]", "setup.augment.padding=3", "setup.victim.augment.padding=2")
    assert own[victim].augment.padding == 2
    assert noise not in own  # the existing one is used: no number of the victims decides it


def test_another_noise_than_was_recorded_is_not_used(
    plan_of: Callable[..., Plan], places: Places, dots: Path, tmp_path: Path
) -> None:
    noise, victim = plan_of(f"datasets=folder:{dots}", *SMALL, "methods=em-fu22", "radii=[0]").jobs

    def go(job: Job, results: str, at: Places = places) -> Record:
        here = Workplace(results=tmp_path / results, places=at, device="cpu", threads=1, by="test")
        return run_cell(job, here, lambda _done, _all: None, lambda: False)

    made = go(noise, "one")
    digests = made.digests | {"noise": "0" * 64}
    other = Store(tmp_path / "other")
    other.write(made.model_copy(update={"digests": digests}))
    kept = other.path(noise.cell).read_bytes()
    empty = Places(data=places.data, cache=tmp_path / "empty")
    for at, what in ((places, str(noise_file(places, noise.noise))), (empty, "the noise made now")):
        failed = go(noise, "other", at)
        assert failed.status == "failed"
        assert failed.error.startswith(f"{what} differs from the noise recorded in {other.root}, made on ")
        assert len(failed.error.splitlines()) == 1
    assert [path.read_bytes() for path in other.root.rglob("*.json")] == [kept]
    assert not noise_file(empty, noise.noise).exists()  # so that it can be made again as recorded
    assert go(victim, "one").status == "ok"


def test_a_victim_does_not_resume_on_another_noise(
    plan_of: Callable[..., Plan], places: Places, dots: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    changes = ("methods=random", "radii=[0]", "setup.victim.steps=4")
    noise, victim = plan_of(f"datasets=folder:{dots}", *SMALL, *changes).jobs
    fresh = Places(data=places.data, cache=tmp_path / "fresh")

    def go(job: Job, results: str, at: Places, stops: Sequence[bool] = ()) -> Record:
        here = Workplace(results=tmp_path / results, places=at, device="cpu", threads=1, by="test")
        return run_cell(job, here, lambda _done, _all: None, partial(next, chain(stops, repeat(False))))

    origin = go(noise, "first", places)
    with pytest.raises(StoppedError):
        go(victim, "first", places, [False, False, True])
    other = np.full((12, 3, 8, 8), -8, np.int8)
    record = origin.model_copy(update={"digests": origin.digests | {"noise": noise_files.digest(other)}})
    made = Provenance(name="random", dataset="dots", dataset_digest="0" * 64, origin=record.model_dump(mode="json"))
    for at in (places, fresh):
        save_noise(noise_file(at, noise.noise), other, made)
    forget_noise()  # as in another process
    resumed, whole = go(victim, "second", places), go(victim, "third", fresh)
    assert "was kept while working on other images or weights; the cell starts over" in caplog.text
    assert resumed.status == whole.status == "ok"
    assert resumed.digests["noise"] == noise_files.digest(other)
    assert (resumed.metrics, resumed.curve) == (whole.metrics, whole.curve)


@pytest.mark.parametrize("kind", ["noise", "victim"])
def test_a_record_names_the_other_places_that_began_its_cell(
    kind: str, plan_of: Callable[..., Plan], places: Places, dots: Path, tmp_path: Path
) -> None:
    changes = ("methods=em-fu22", "radii=[0]", "setup.victim.steps=4", "setup.noise.steps=4")
    noise, victim = plan_of(f"datasets=folder:{dots}", *SMALL, *changes).jobs
    moved, before = (noise, []) if kind == "noise" else (victim, [noise])
    here = Workplace(results=tmp_path / "results", places=places, device="cpu", threads=1, by="test")
    there = replace(here, threads=8)

    def go(job: Job, at: Workplace, stops: Sequence[bool] = ()) -> Record:
        return run_cell(job, at, lambda _done, _all: None, partial(next, chain(stops, repeat(False))))

    for job in before:
        go(job, here)
    with pytest.raises(StoppedError):
        go(moved, here, [False, False, True])
    record = go(moved, there)
    assert record.environment.threads == 8
    assert record.environment.resumed_from == (here.place,)
    assert "with 1 thread, torch " in here.place
    assert Store(here.results).read(moved.cell) == record
    for job in before:
        assert b"resumed_from" not in Store(here.results).path(job.cell).read_bytes()


def test_time_and_memory_of_a_victim_are_not_those_of_its_pretraining(
    plan_of: Callable[..., Plan],
    places: Places,
    dots: Path,
    write_tree: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_tree(places.data / "more", {f"{split}/{name}": 4 for split in ("train", "test") for name in ("cat", "dog")})
    jobs = plan_of(f"datasets=folder:{dots}", *SMALL, "methods=random", "victims=resnet18-w8.more", "radii=[0]").jobs
    here = Workplace(results=tmp_path / "results", places=places, device="cpu", threads=1, by="test")
    noise, victim = jobs
    run_cell(noise, here, lambda _done, _all: None, lambda: False)
    events: list[str] = []
    reset, read, begin = process.reset_peak, cell._dataset, FileKeeper.begin

    def reading(name: str, at: Places, planned: str) -> Dataset:
        events.append(name.removeprefix("folder:"))
        return read(name, at, planned)

    monkeypatch.setattr(process, "reset_peak", lambda device: (events.append("reset"), reset(device)))
    monkeypatch.setattr(cell, "_dataset", reading)
    monkeypatch.setattr(FileKeeper, "begin", lambda keeper: (events.append("begin"), begin(keeper)))
    assert run_cell(victim, here, lambda _done, _all: None, lambda: False).status == "ok"
    more = str(places.data / "more")
    pretraining = ["begin", "reset", more, "begin", "begin", "reset", more]  # a noise and a victim
    assert events == ["begin", *pretraining, "begin", "reset", str(dots)]


def test_a_noise_is_hashed_when_made_and_read_once_for_its_victims(
    plan_of: Callable[..., Plan], places: Places, dots: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def watched(name: str) -> None:
        function = getattr(noise_files, name)

        def call(*words: Any, **options: Any) -> Any:
            calls.append(name)
            return function(*words, **options)

        monkeypatch.setattr(noise_files, name, call)

    watched("digest")
    watched("_opened")
    jobs = plan_of(f"datasets=folder:{dots}", *SMALL, "methods=em-fu22", "radii=[0,4]").jobs
    here = Workplace(results=tmp_path / "results", places=places, device="cpu", threads=1, by="test")
    seen = []
    for job in jobs:
        assert run_cell(job, here, lambda _done, _all: None, lambda: False).status == "ok"
        seen.append(sorted(calls))
        calls.clear()
    assert seen == [["digest"], ["_opened", "digest"], []]


def test_progress_follows_the_image_passes(
    plan_of: Callable[..., Plan], places: Places, dots: Path, tmp_path: Path
) -> None:
    here = Workplace(results=tmp_path / "results", places=places, device="cpu", threads=1, by="test")
    steps = ("setup.noise.targeted.pretraining=2", "setup.noise.targeted.descent.steps=30")
    changes = (*SMALL, *steps, "methods=tap-fowl21", "radii=[0]", "setup.victim.evaluate_every=1")
    for job in plan_of(f"datasets=folder:{dots}", *changes).jobs:
        shares: list[float] = []
        record = run_cell(job, here, lambda done, of: shares.append(done / of), lambda: False)  # noqa: B023
        assert record.status == "ok"
        if job.cell.kind == "noise":
            assert shares == pytest.approx([0.99 * done / (36 + 360) for done in (18, 36, 396)])
        else:
            assert shares == pytest.approx([1.5 * 4 / (1.5 * 4 + 0.5 * (4 + 12))])


def test_images_that_change_after_the_plan_are_not_used(
    plan_of: Callable[..., Plan], places: Places, write_tree: Callable[..., Path], tmp_path: Path
) -> None:
    root = write_tree(tmp_path / "few", {"train/ant": 3, "train/bee": 3, "test/ant": 1, "test/bee": 1})
    here = Workplace(results=tmp_path / "results", places=places, device="cpu", threads=1, by="test")
    noise, victim = plan_of(f"datasets=folder:{root}", *SMALL, "methods=random", "radii=[0]").jobs
    prepare_run([noise, victim], here.results, places)
    assert run_cell(noise, here, lambda _done, _all: None, lambda: False).status == "ok"
    cell._dataset.cache_clear()  # as in another worker
    (root / "train/ant/0.png").write_bytes((root / "train/bee/0.png").read_bytes())
    said = "the images of few changed while they were in use; rerun"
    with pytest.raises(RequestError, match=said):
        prepare_run([noise, victim], here.results, places)
    with pytest.raises(RequestError, match=said):
        run_cell(victim, here, lambda _done, _all: None, lambda: False)


def test_a_noise_file_whose_record_is_of_another_noise_is_damaged(
    tmp_path: Path, jobs: Sequence[Job], record_for: Callable[..., Record]
) -> None:
    origin = record_for(jobs[0]).model_dump(mode="json") | {"digests": {"noise": "0" * 64}}
    provenance = Provenance(name="clean", dataset="cifar10", dataset_digest="0" * 64, origin=origin)
    save_noise(tmp_path / "noise.safetensors", np.zeros((2, 1, 2, 2), dtype=np.int8), provenance)
    assert read_noise(tmp_path / "noise.safetensors", jobs[0].noise) is None
    assert [path.name for path in tmp_path.iterdir()] == ["noise.safetensors.corrupt"]


@pytest.mark.parametrize("where", ["attacks.engine.frozen", "attacks.core.optimiser"])
def test_a_record_says_that_its_cell_went_without_cuda_graphs(
    where: str,
    plan_of: Callable[..., Plan],
    places: Places,
    dots: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    changes = (*SMALL, "methods=em-fu22", "radii=[4]", "setup.noise.steps=2", "setup.victim.steps=2")
    jobs = plan_of(f"datasets=folder:{dots}", *changes).jobs

    def records(name: str) -> Iterator[tuple[Record, bytes]]:
        at = Places(data=places.data, cache=tmp_path / name / "cache")
        here = Workplace(results=tmp_path / name, places=at, device="cpu", threads=1, by="test")
        for job in jobs:
            record = run_cell(job, here, lambda _done, _all: None, lambda: False)
            yield record, Store(here.results).path(job.cell).read_bytes()

    usual = list(records("usual"))
    monkeypatch.setattr(
        f"{where}.Captured", lambda step, runtime, _capture, *changed: Captured(step, runtime, refused, *changed)
    )
    without = list(records("without"))
    assert len(usual) == len(without) == 2
    for (usually, text), (noted, other) in zip(usual, without, strict=True):
        assert (usually.environment.eager, noted.environment.eager) == (None, "operation not permitted")
        assert (b'"eager"' in text, b'"eager": "operation not permitted"' in other) == (False, True)
        assert (usually.metrics, usually.digests) == (noted.metrics, noted.digests)
        assert Store(tmp_path / "without").read(noted.cell) == noted


def refused(_step: Step, _images: Tensor, _labels: Tensor) -> Step:
    raise RuntimeError("operation not permitted")


@pytest.fixture
def _fresh_code() -> Iterator[None]:
    code.cache_clear()
    yield
    code.cache_clear()


@pytest.mark.usefixtures("_fresh_code")
def test_the_commit_is_that_of_when_the_cell_began(
    plan_of: Callable[..., Plan], places: Places, dots: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits = ["older"]
    monkeypatch.setattr("bench.run.environment._git", lambda _root, *words: commits[-1] if "HEAD" in words else "")
    here = Workplace(results=tmp_path / "results", places=places, device="cpu", threads=1, by="test")
    noise, _ = plan_of(f"datasets=folder:{dots}", *SMALL, "methods=em-fu22", "radii=[0]", "seeds=[3]").jobs
    record = run_cell(noise, here, lambda _done, _all: commits.append("newer"), lambda: False)
    assert commits[-1] == "newer"
    assert record.environment.commit == "older"


def test_whatever_an_error_quotes_its_record_is_valid(
    plan_of: Callable[..., Plan], places: Places, dots: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("\x1b[2J caf\udce9\r" + "x" * 30_000 + " end\N{RIGHT-TO-LEFT OVERRIDE}")

    monkeypatch.setattr("bench.run.cell.make_noise", fail)
    here = Workplace(results=tmp_path / "results", places=places, device="cpu", threads=1, by="test")
    noise, _ = plan_of(f"datasets=folder:{dots}", *SMALL, "methods=random", "radii=[0]", "seeds=[5]").jobs
    assert run_cell(noise, here, lambda _done, _all: None, lambda: False).status == "failed"
    store = Store(here.results)
    record, _ = read_record(store.path(noise.cell), store)
    assert record.error is not None
    assert record.error.startswith("ValueError: \\x1b[2J caf\\udce9\n\nTraceback")
    assert "\n[...]\n" in record.error
    assert record.error.endswith("x end\\u202e\n")
    assert len(record.error) <= 20_000


def test_noise_of_a_newer_version_is_refused_and_kept(
    tmp_path: Path, jobs: Sequence[Job], record_for: Callable[..., Record]
) -> None:
    origin = record_for(jobs[0]).model_dump(mode="json") | {"schema_version": 99}
    provenance = Provenance(name="clean", dataset="cifar10", dataset_digest="0" * 64, origin=origin)
    save_noise(tmp_path / "noise.safetensors", np.zeros((2, 1, 2, 2), dtype=np.int8), provenance)
    with pytest.raises(RequestError, match="newer version"):
        read_noise(tmp_path / "noise.safetensors", jobs[0].noise)
    assert [path.name for path in tmp_path.iterdir()] == ["noise.safetensors"]
    (tmp_path / "noise.safetensors").write_bytes(b"half of")
    assert read_noise(tmp_path / "noise.safetensors", jobs[0].noise) is None
    assert [path.name for path in tmp_path.iterdir()] == ["noise.safetensors.corrupt"]
