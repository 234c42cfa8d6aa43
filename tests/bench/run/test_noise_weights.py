"""Noise of a method whose network starts from weights: its key includes them, and they are really used."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from attacks.core.errors import RequestError
from attacks.engine.noise import load_noise
from attacks.task import NoiseResult, Task
from bench.config.cells import ABSENT
from bench.data import Places
from bench.records.noise_cache import find_noise
from bench.records.schema import Record
from bench.run.cell import run_cell
from bench.run.job import Job
from bench.run.plan import Plan
from bench.run.preflight import check_networks, check_prerequisites, prepare_run
from bench.run.workplace import Workplace
from victims.networks.build import build
from victims.networks.weights.hub import Hub
from victims.networks.weights.packaged import LITE0
from victims.networks.weights.spec import file_digest

MakePlan = Callable[..., Plan]
SMALL = (
    "methods=bait",
    "radii=[0]",
    "setup.precision=fp32",
    "setup.noise.bait.rounds=3",
    "setup.noise.bait.batch=6",
    "setup.noise.bait.width=2",
    "setup.noise.bait.blocks=1",
)


def network(name: object) -> str:
    return f"setup.noise.pretrained.network={json.dumps(str(name))}"


def weights(path: Path, seed: int) -> Path:
    """Write the weights of a ResNet for two other classes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = build("resnet18-w8", classes=2, channels=3, size=16, seed=seed)
    save_file(made.get_submodule("network").state_dict(), path)
    return path


def noise_of(plan: Plan) -> Job:
    (job,) = (job for job in plan.jobs if job.cell is job.noise)
    return job


def run(job: Job, places: Places) -> Record:
    here = Workplace(results=places.cache / "results", places=places, device="cpu", threads=1, by="test")
    return run_cell(job, here, lambda _done, _all: None, lambda: False)


def test_the_key_knows_the_weights_and_not_where_they_are(plan_of: MakePlan, tmp_path: Path) -> None:
    first, same, other = (
        weights(tmp_path / folder / "mine.safetensors", seed) for folder, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    found = [noise_of(plan_of(*SMALL, network(f"resnet18-w8:{path}"))) for path in (first, same, other)]
    one, again, another = (job.cell for job in found)
    assert one.key == again.key != another.key
    assert one.inputs["noise_weights"] == f"resnet18-w8.mine/file/{file_digest(first)}"
    assert str(tmp_path) not in one.model_dump_json()
    assert "noise.pretrained" not in one.numbers
    assert found[0].network == f"resnet18-w8:{first}"


def test_two_victims_whose_weights_have_one_name_are_refused_unless_they_are_the_same(
    plan_of: MakePlan, places: Places, tmp_path: Path
) -> None:
    first, same, other = (
        weights(tmp_path / folder / "mine.safetensors", seed) for folder, seed in (("a", 0), ("b", 0), ("c", 1))
    )

    def check(*files: Path) -> None:
        names = ",".join(f'"resnet18-w8:{file}"' for file in files)
        plan = plan_of(
            "datasets=photo-patches", "methods=clean", "radii=[0]", "trainings=fine-tune", f"victims=[{names}]"
        )
        check_prerequisites(plan.jobs, tmp_path / "results", places)

    check(first, same)
    with pytest.raises(RequestError, match=r"have the same name, 'resnet18-w8\.mine'; rename one of the files"):
        check(first, other)


def test_weights_of_a_package_are_resized_to_a_side_that_the_key_knows(plan_of: MakePlan) -> None:
    jobs = [noise_of(plan_of(*SMALL, f"setup.noise.pretrained.side={side}")) for side in (32, 40)]
    assert [job.weights_side for job in jobs] == [32, 40]
    assert [job.cell.numbers["noise.pretrained"] for job in jobs] == [{"side": 32}, {"side": 40}]
    assert {job.cell.inputs["noise_weights"] for job in jobs} == {f"{LITE0.name}/sha256/{LITE0.sha256}"}


def test_a_victim_on_such_noise_is_still_from_scratch(plan_of: MakePlan) -> None:
    plan = plan_of(*SMALL)
    (victim,) = (job.cell for job in plan.jobs if job.cell is not job.noise)
    assert "weights" not in victim.inputs
    with pytest.raises(RequestError, match=r"training 'fine-tune' needs a victim with weights, not 'resnet18-w8'"):
        plan_of(*SMALL, "trainings=fine-tune")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "resnet18-w8",
            "starts from weights, and setup.noise.pretrained.network is 'resnet18-w8'; name a network with",
        ),
        ("resnet18-w8:missing.safetensors", "missing.safetensors does not exist or is not a file"),
        ("resnet18.tv_in2k", "unknown weights 'resnet18.tv_in2k'; did you mean 'resnet18.tv_in1k'?"),
        ("timm/resnet18.tv_in1k", "without a hub or owner before it; did you mean 'resnet18.tv_in1k'?"),
    ],
)
def test_a_network_without_weights_is_refused(name: str, said: str, plan_of: MakePlan) -> None:
    with pytest.raises(RequestError) as caught:
        plan_of(*SMALL, network(name))
    assert said in str(caught.value)


def test_absent_weights_can_be_planned_and_not_run(plan_of: MakePlan, monkeypatch: pytest.MonkeyPatch) -> None:
    def path(_weights: Hub) -> Path:
        raise RequestError("fetch them first")

    monkeypatch.setattr(Hub, "_path", path)
    job = noise_of(plan_of(*SMALL, network("resnet18.tv_in1k")))
    assert job.cell.inputs["noise_weights"] == ABSENT
    with pytest.raises(RequestError, match="fetch them first"):
        check_networks([job])


def test_the_noise_is_made_with_the_weights(
    plan_of: MakePlan, dots: Path, places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts = []

    def watched(**given: object) -> Task:
        task = Task(**given)  # type: ignore[arg-type]
        starts.append(task.network().get_submodule("network").state_dict())
        return task

    monkeypatch.setattr("bench.run.making.Task", watched)
    noises = []
    for seed in (0, 1):
        file = weights(tmp_path / str(seed) / "mine.safetensors", seed)
        job = noise_of(plan_of(f"datasets=folder:{dots}", *SMALL, network(f"resnet18-w8:{file}")))
        record = run(job, places)
        assert record.status == "ok", record.error
        assert record.costs["generation"].passes == job.passes
        given = build("resnet18-w8", classes=2, channels=3, size=16, seed=seed).get_submodule("network").state_dict()
        start = starts.pop()
        assert all(torch.equal(start[name], given[name]) for name in given if not name.startswith("fc."))
        noise, _ = load_noise(find_noise(places, job.noise, job.protocols))
        noises.append(torch.from_numpy(noise))
    assert not torch.equal(*noises)


def test_the_weights_of_a_package_make_noise_offline(plan_of: MakePlan, dots: Path, places: Places) -> None:
    job = noise_of(plan_of(f"datasets=folder:{dots}", *SMALL))
    record = run(job, places)
    assert record.status == "ok", record.error
    assert record.cell.inputs["noise_weights"] == f"{LITE0.name}/sha256/{LITE0.sha256}"


def test_a_file_that_changes_after_the_plan_makes_no_noise(
    plan_of: MakePlan, dots: Path, places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(*_: object) -> NoiseResult:
        raise AssertionError("made")

    file = weights(tmp_path / "mine.safetensors", 0)
    job = noise_of(plan_of(f"datasets=folder:{dots}", *SMALL, network(f"resnet18-w8:{file}")))
    weights(file, 1)
    monkeypatch.setattr("bench.run.cell.make_noise", make)
    with pytest.raises(RequestError, match="the weights that bait starts from changed while they were in use; rerun"):
        run(job, places)


def test_a_victim_whose_weights_change_after_the_plan_does_not_start(
    plan_of: MakePlan, dots: Path, places: Places, tmp_path: Path
) -> None:
    file = weights(tmp_path / "mine.safetensors", 0)
    plan = plan_of(
        f"datasets=folder:{dots}", "methods=clean", "radii=[0]", "seeds=[0,1]", f'victims=["resnet18-w8:{file}"]'
    )
    results = tmp_path / "results"
    prepare_run(plan.jobs, results, places)
    weights(file, 1)
    said = r"the weights that resnet18-w8:.*mine\.safetensors starts from changed while they were in use; rerun"
    with pytest.raises(RequestError, match=said):
        prepare_run(plan.jobs, results, places)
    with pytest.raises(RequestError, match=said):
        run(plan.jobs[-1], places)
