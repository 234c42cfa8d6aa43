"""What becomes of a victim whose weights could not be made, or are not there."""

import pickle
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from attacks.core.errors import RequestError
from attacks.core.tensors import write_tensors
from bench.config.cells import ABSENT
from bench.config.load import load_grid
from bench.data import Places, entry
from bench.records.schema import Record
from bench.records.store import Store
from bench.run.devices import workplaces
from bench.run.executors import ExecutorRequest
from bench.run.executors.slurm.submit import _Submission
from bench.run.executors.slurm.task import run_slurm_task
from bench.run.job import Job
from bench.run.leases import _Lease, lease_file
from bench.run.plan import Plan, make_plan
from bench.run.preflight import check_prerequisites, prepare_run
from bench.run.pretraining import PretrainingFailedError, pretrain, weights_file
from bench.run.time_limit import TimeLimitError
from bench.run.unchanged import check_as_planned


@pytest.mark.parametrize(
    ("reason", "raised"),
    [
        ("TimeLimitError: it took longer than 5 s; --retry timeout resumes it", TimeLimitError),
        ("RuntimeError: no\n\ntraceback", PretrainingFailedError),
    ],
)
def test_the_victim_fails_for_the_same_reason(
    reason: str,
    raised: type[Exception],
    tmp_path: Path,
    places: Places,
    jobs: Sequence[Job],
    record_for: Callable[..., Record],
) -> None:
    """After a time limit `--retry timeout` thus takes the victim, and with it the pretraining."""
    job = next(job for job in jobs if job.cell is not job.noise)
    (place, *_) = workplaces("cpu", 1, results=tmp_path / "results", places=places, by="test")
    first = reason.partition("\n")[0]
    with pytest.raises(raised, match=f"whose weights it starts from, failed: {first}$"):
        pretrain(job, place, lambda part: record_for(part, "failed", reason), lambda: False)


def test_a_worker_that_waited_does_not_repeat_what_failed(
    tmp_path: Path,
    places: Places,
    jobs: Sequence[Job],
    record_for: Callable[..., Record],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = next(job for job in jobs if job.cell is not job.noise)
    store, (place, *_) = Store(tmp_path / "results"), workplaces("cpu", 1, results=tmp_path, places=places, by="test")
    place = replace(place, results=store.root)
    store.write(record_for(job, "failed", "in an earlier run"))
    others = _Lease(weights_file(places, job.cell).with_suffix(".lock"))
    assert others.take()

    def stopping() -> bool:  # asked while waiting
        failed = record_for(job, "failed", "it diverged").model_copy(update={"finished": "2026-01-02T00:00:00+00:00"})
        store.write(failed)
        others.release()
        return False

    monkeypatch.setattr("bench.run.leases.SECONDS_BETWEEN_LOOKS", 0)
    with pytest.raises(PretrainingFailedError, match=r"failed: it diverged$"):
        pretrain(job, place, lambda _part: pytest.fail("it was repeated"), stopping)


def test_what_another_runner_trained_meanwhile_as_a_cell_of_its_grid_is_not_trained_again(
    tmp_path: Path,
    places: Places,
    jobs: Sequence[Job],
    record_for: Callable[..., Record],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = next(job for job in jobs if job.cell is not job.noise)
    (place,) = workplaces("cpu", 1, results=tmp_path / "results", places=places, by="test")
    others, ran = _Lease(lease_file(place.results, job.cell)), list[str]()
    assert others.take()

    def stopping() -> bool:  # asked while waiting
        write_tensors(weights_file(places, job.cell), {"weight": torch.zeros(1)})
        others.release()
        return False

    def run(part: Job) -> Record:
        ran.append(part.cell.label)
        return record_for(part)

    monkeypatch.setattr("bench.run.leases.SECONDS_BETWEEN_LOOKS", 0)
    pretrain(job, place, run, stopping)
    assert ran == [job.noise.label]


@pytest.mark.usefixtures("more")
def test_a_slurm_task_does_not_repeat_what_failed_since_it_was_submitted(
    tmp_path: Path,
    places: Places,
    plan_of: Callable[..., Plan],
    record_for: Callable[..., Record],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    jobs = plan_of("methods=clean", "radii=[0]", "victims=resnet18-w8.more").jobs
    source, started = jobs[-1].pretraining, list[Sequence[Job]]()
    assert source
    failed = record_for(source, "failed", "it diverged")
    Store(tmp_path / "results").write(failed)
    request = ExecutorRequest(results=tmp_path / "results", places=places, by="test", device="cpu")
    monkeypatch.setenv("SLURM_CPUS_ON_NODE", "1")
    monkeypatch.setattr("bench.run.executors.slurm.task._failed", lambda jobs, _: started.append(jobs))
    monkeypatch.setattr("signal.signal", lambda *_: None)
    with pytest.raises(SystemExit, match=r"more/clean/resnet18-w8/r0-s0, whose weights .* has failed; not repeated"):
        run_slurm_task(jobs, request, None)
    assert not started
    run_slurm_task(jobs, request, failed)  # submitted after that, to retry it
    assert started == [jobs]

    def take(tasks: Sequence[Any]) -> list[SimpleNamespace]:
        handed.extend(pickle.loads(pickle.dumps(task)) for task in tasks)
        return [SimpleNamespace(job_id=str(number)) for number, _ in enumerate(tasks)]

    handed = list[Any]()
    monkeypatch.setattr("bench.run.executors.slurm.submit._executor", lambda *_: SimpleNamespace(submit_array=take))
    submission = _Submission(request, {jobs[0].cell.key: jobs[0]}, {})
    submission._submit_array(jobs, after=None)
    assert [task.args[2] for task in handed] == [None, failed]


def test_the_folder_is_that_of_the_data_folder(
    plan_of: Callable[..., Plan],
    places: Places,
    tmp_path: Path,
    write_tree: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counts = {f"{split}/{name}": 1 for split in ("train", "test") for name in ("dog", "eel")}
    root = write_tree(places.data / "more", counts, size=(32, 32))
    write_tree(tmp_path / "more", counts, size=(8, 8))
    asked = ("methods=clean", "radii=[0]", "victims=resnet18-w8.more")
    there = plan_of(*asked).jobs[-1]
    monkeypatch.chdir(tmp_path)
    here = plan_of(*asked).jobs[-1]
    assert here.pretraining
    assert entry(here.pretraining.dataset, places).source == str(root)
    assert here.pretraining.cell.dataset == "more"
    assert here.cell.key == there.cell.key


@pytest.mark.parametrize(
    ("victim", "changes", "words"),
    [
        ("resnet18.imagenet-100", (), "with the stem 'small', and then have the stem 'by-size': protocol 'paper-v1'"),
        ("resnet18.imagenet-100", ("setup.stem=small",), None),
        ("vit_tiny_patch16_224.imagenet-100", (), None),  # its stem is its own whatever the protocol says
        ("resnet18.cifar10", (), "would be pretrained on images of 32x32 pixels and 3 channels, not of 224x224"),
    ],
)
def test_weights_that_would_not_fit_are_refused_before_they_are_made(
    victim: str,
    changes: tuple[str, ...],
    words: str | None,
    places: Places,
    tmp_path: Path,
    write_tree: Callable[..., Path],
) -> None:
    pets = write_tree(tmp_path / "pets", {"train/cat": 1, "train/dog": 1, "test/cat": 1})
    lists = (f"datasets=folder:{pets}@224", "methods=clean", "seeds=[0]", "radii=[0]", f"victims={victim}")
    grid, protocol = load_grid("full", [*lists, *changes])
    with pytest.raises(RequestError, match=words) if words else nullcontext():
        assert make_plan(grid, protocol, places).jobs[-1].pretraining


def test_a_victim_whose_weights_are_absent_is_planned_and_not_run(
    plan_of: Callable[..., Plan], places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.file_download.HF_HUB_CACHE", str(tmp_path / "hub"), raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("victims.networks.weights.hub._out_of_reach", {})
    lists = ("datasets=photo-patches", "methods=clean", "victims=resnet18.tv_in1k", "radii=[0]", "trainings=fine-tune")
    jobs = plan_of(*lists).jobs
    assert jobs[-1].cell.inputs["weights"] == ABSENT
    for check in (check_prerequisites, prepare_run):
        with pytest.raises(RequestError, match=r"resnet18\.tv_in1k cannot be fetched .*run `hf download timm/resnet18"):
            check(jobs, tmp_path / "results", places)
    place = tmp_path / "hub" / "models--timm--resnet18.tv_in1k"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text("0" * 40)
    (place / "snapshots" / ("0" * 40)).mkdir(parents=True)
    (place / "snapshots" / ("0" * 40) / "model.safetensors").write_text("fetched meanwhile")
    with pytest.raises(RequestError, match=r"weights that resnet18\.tv_in1k starts from were fetched only now; rerun"):
        check_as_planned(jobs[-1])
