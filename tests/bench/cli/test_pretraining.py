"""Victims that start from weights that the suite trains itself, on another folder of images."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from attacks.core.tensors import read_tensors
from bench.config.load import load_grid
from bench.data.dataset import Places
from bench.records.schema import VictimRecord
from bench.records.store import Store
from bench.run.plan import make_plan
from bench.run.pretraining import start_from
from victims.networks.build import build

Bench = Any  # the classes in conftest.py
VICTIM = "resnet18-w8.more"


def words(bench: Bench, data: Path, *more: str) -> list[str]:
    sets = ["methods=[em]", f"victims=[{VICTIM}]", "radii=[0]"]
    return bench.words("run", "--data", str(data), *(word for change in sets for word in ("--set", change)), *more)


def records(bench: Bench) -> dict[str, VictimRecord]:
    return {record.cell.label: record for record in Store(bench.results).all() if isinstance(record, VictimRecord)}


def test_the_weights_are_a_cell_of_their_own_and_made_once(empty: Bench, more: Path) -> None:
    run = empty.carry_out(words(empty, more))
    assert run.status == 0, run.err
    assert run.began == ["dots/em-fu22/noise/s0", f"dots/em-fu22/{VICTIM}/r0-s0"]
    found = records(empty)
    first, second = found["more/clean/resnet18-w8/r0-s0"], found[f"dots/em-fu22/{VICTIM}/r0-s0"]
    assert second.cell.inputs["weights"] == f"victim/{first.cell.key}"
    assert "weights" not in first.cell.inputs
    (file,) = (empty.cache / "pretrained").rglob("*.safetensors")
    weights = read_tensors(file)[0]

    places = Places(data=more, cache=empty.cache)
    changes = ["methods=[em]", f"victims=[{VICTIM}]", "radii=[0]"]
    job = make_plan(*load_grid(str(empty.root / "tiny.toml"), changes), places).jobs[-1]
    assert job.pretraining is not None
    network = build("resnet18-w8", classes=3, channels=3, size=8, seed=7)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    start_from(network, job.pretraining, places)
    after = network.state_dict()
    head = {"network.fc.weight", "network.fc.bias"}
    assert all(torch.equal(after[name], before[name]) for name in head)
    assert all(
        torch.equal(after[f"network.{name}"], tensor)
        for name, tensor in weights.items()
        if f"network.{name}" not in head
    )
    assert not torch.equal(after["network.conv1.weight"], before["network.conv1.weight"])

    stamps = empty.stamps()
    again = empty.carry_out(words(empty, more))
    assert (again.began, empty.stamps()) == ([], stamps)

    # weights lost from the cache are trained again to the same bytes, and no record changes
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    shutil.rmtree(empty.results / "records" / "dots")
    repeated = empty.carry_out(words(empty, more))
    assert repeated.status == 0, repeated.err
    assert read_tensors(file)[0].keys() == weights.keys()
    assert all(torch.equal(tensor, weights[name]) for name, tensor in read_tensors(file)[0].items())
    assert list(file.parent.glob("*.corrupt*"))
    assert records(empty)[second.cell.label].metrics == second.metrics


def test_trainings_that_need_weights_take_such(empty: Bench, more: Path) -> None:
    changes = [f"victims=[{VICTIM}]", "radii=[0]", "trainings=[linear-probe]"]
    sets = [word for change in changes for word in ("--set", change)]
    planned = empty.do("plan", "--data", str(more), "--rows", *sets)
    assert planned.status == 0, planned.err
    assert f"{VICTIM}/r0-s0-linear-probe" in planned.out


def test_a_network_without_stages_is_refused_before_anything_runs(empty: Bench, more: Path) -> None:
    changes = ["victims=[caformer_s18.more]", "radii=[0]", "trainings=[fine-tune-late]"]
    sets = [word for change in changes for word in ("--set", change)]
    for command in ("plan", "run"):
        ended = empty.do(command, "--data", str(more), *sets)
        assert (ended.status, ended.began) == (2, [])
        assert ended.err == "error: fine-tune-late does not know the stages of MetaFormer; use fine-tune\n"
    assert not empty.results.exists()


@pytest.mark.parametrize(
    ("victim", "said"),
    [("resnet18-w8.moore", "moore"), ("resnet19-w8.more", "resnet18"), ("resnet18-w8.grey", "1 channel")],
)
def test_wrong_names_are_one_line(
    victim: str, said: str, empty: Bench, more: Path, write_tree: Any, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(more, data)
    counts = {f"{split}/{name}": 2 for split in ("train", "test") for name in ("dog", "eel")}
    grey = write_tree(data / "grey", counts)
    for file in grey.rglob("*.png"):
        Image.open(file).convert("L").save(file)
    ended = empty.do("plan", "--data", str(data), "--set", f"victims=[{victim}]")
    assert (ended.status, len(ended.err.splitlines())) == (2, 1), ended.err
    assert said in ended.err
