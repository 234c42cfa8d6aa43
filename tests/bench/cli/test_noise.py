"""`noise`, and the benchmark of a noise file."""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attacks.core.errors import RequestError
from attacks.engine.noise import load_noise
from bench.config.load import load_protocol
from bench.data import Places
from bench.noise.make import plan_noise
from bench.run.cell import run_cell
from bench.run.workplace import Workplace

Bench = Any  # the class in conftest.py
Command = Callable[[list[str]], Any]


@pytest.fixture
def noise(bench: Bench, images: Path, command: Command) -> Callable[..., Any]:
    """Run an action of `noise` on the bench's images; the noise of its first run is in the cache."""

    def act(action: str, *more: str) -> Any:
        given = {
            "make": [
                "--dataset",
                f"folder:{images}",
                "--protocol",
                str(bench.root / "tiny-v1.toml"),
                "--device",
                "cpu",
            ],
            "import": ["--dataset", f"folder:{images}"],
            "validate": ["--dataset", f"folder:{images}"],
            "visibility": ["--dataset", f"folder:{images}", "--device", "cpu"],
            "export": [],
        }
        places = [] if action == "export" else ["--cache", str(bench.cache)]
        return command(["noise", action, *given[action], *places, *more])

    return act


def cached(bench: Bench, method: str) -> Path:
    (found,) = (bench.cache / "noise").glob(f"*/{method}/*.safetensors")
    return found


def test_make_takes_what_a_run_left_in_the_cache(noise: Callable[..., Any], bench: Bench) -> None:
    out = bench.root / "em.safetensors"
    done = noise("make", "--method", "em", str(out))
    assert done.status == 0, done.err
    assert out.read_bytes() == cached(bench, "em-fu22").read_bytes()
    record = json.loads(bench.record("noise/*/em-fu22/*.json").read_text())
    assert f"digest {record['digests']['noise']}" in done.out
    assert str(cached(bench, "em-fu22")) in done.out
    assert "image-passes in" in done.out


@pytest.mark.parametrize(
    "words",
    [
        ["make", "--method", "random", "OUT.safetensors"],
        ["import", "own.npy", "OUT.safetensors", "--name", "mine"],
        ["export", "none.safetensors", "OUT.npy"],
    ],
    ids=lambda words: str(words[0]),
)
def test_no_file_is_replaced(words: list[str], noise: Callable[..., Any], bench: Bench, tmp_path: Path) -> None:
    kept = tmp_path / next(word for word in words if word.startswith("OUT"))
    kept.write_text("mine")
    words = [str(kept) if word.startswith("OUT") else word for word in words]
    refuse(noise(*words), f"{kept} exists; remove it first")
    assert kept.read_text() == "mine"


def test_visibility_is_what_a_record_states(noise: Callable[..., Any], bench: Bench) -> None:
    done = noise("visibility", str(cached(bench, "em-fu22")))
    assert done.status == 0, done.err
    found = {words[0]: words[1] for line in done.out.splitlines()[1:] if (words := line.split())}
    metrics = json.loads(bench.record("noise/*/em-fu22/*.json").read_text())["metrics"]
    assert found["psnr_mean"] == f"{metrics['psnr_mean']:.2f}"
    assert found["ssim_worst"] == f"{metrics['ssim_worst']:.3f}"
    assert found["detectability"] == f"{metrics['detectability']:.2f}"
    assert "largest" not in found  # not a measure of visibility


def test_visibility_is_of_the_images_that_a_noise_is_for(bench: Bench, command: Command) -> None:
    done = command(["noise", "visibility", str(cached(bench, "em-fu22")), "--dataset", "photo-patches"])
    assert (done.status, len(done.err.splitlines())) == (2, 1)
    assert "choose its dataset (dots)" in done.err


def test_make_makes_other_noise(noise: Callable[..., Any], bench: Bench) -> None:
    out = bench.root / "random.safetensors"
    done = noise("make", "--method", "random", "--set", "setup.noise.rho_u=3", str(out))
    assert done.status == 0, done.err
    made, head = load_noise(out)
    assert (head.provenance.name, head.provenance.dataset, int(np.abs(made).max())) == ("random", "dots", 3)
    assert noise("validate", str(out), "--bound", "2").status == 1
    report = noise("validate", str(out), "--bound", "3")
    assert (report.status, "WRONG" in report.out) == (0, False)


def test_imported_noise_is_benchmarked_under_its_name(noise: Callable[..., Any], bench: Bench) -> None:
    theirs, mine = bench.root / "theirs.npy", bench.root / "mine.safetensors"
    done = noise("export", str(cached(bench, "em-fu22")), str(theirs), "--layout", "nhwc", "--unit", "1")
    assert (done.status, np.load(theirs).dtype, np.load(theirs).shape) == (0, np.float32, (42, 8, 8, 3))
    done = noise("import", str(theirs), str(mine), "--name", "mine")
    assert (done.status, "layout nhwc" in done.out) == (0, True), done.err

    run = bench.run("--set", f'methods=["clean","em","noise:{mine}"]')
    assert run.status == 0, run.err
    assert set(run.began) == {"dots/mine/noise/s0", "dots/mine/resnet18-w8/r0-s0", "dots/mine/resnet18-w8/r4-s0"}
    record = json.loads(bench.record("noise/dots/mine/*.json").read_text())
    em = json.loads(bench.record("noise/dots/em-fu22/*.json").read_text())
    assert record["digests"] == em["digests"]
    assert (record["bound"], record["bounded"], record["costs"]) == (f"L-inf {em['metrics']['linf']:g}", True, {})
    assert re.search(r"^\| mine +\|", (bench.results / "leaderboard.md").read_text(), re.MULTILINE)
    for name in ("r0", "r4"):  # the same noise, victim and batches
        found, known = (
            json.loads(bench.record(f"records/dots/{method}/*/{name}-*.json").read_text())
            for method in ("mine", "em-fu22")
        )
        assert found["metrics"] == known["metrics"]
    assert bench.run("--set", f'methods=["clean","em","noise:{mine}"]').began == []


def test_noise_over_the_protocols_radius_is_said_to_be(noise: Callable[..., Any], bench: Bench) -> None:
    mine, out = bench.root / "mine.safetensors", bench.root / "out.safetensors"
    np.save(bench.root / "theirs.npy", np.full((3, 3, 8, 8), 200, dtype=np.int16))
    assert noise("import", str(bench.root / "theirs.npy"), str(mine), "--name", "big", "--bound", "255").status == 0
    done = noise("make", "--method", f"noise:{mine}", str(out))
    assert (done.status, "image-passes" in done.out) == (0, False), done.err
    made, head = load_noise(out)
    assert np.array_equal(made, np.full((42, 3, 8, 8), 200))
    assert (head.provenance.origin["bound"], head.provenance.origin["bounded"]) == ("L-inf 200", False)


def refuse(done: Any, *words: str) -> None:
    assert (done.status, done.out) == (2, ""), done.err
    assert len(done.err.splitlines()) == 1, done.err
    assert all(word in done.err for word in ("error: ", *words)), done.err


def test_a_noise_file_that_does_not_fit_is_refused_before_anything_runs(
    noise: Callable[..., Any], bench: Bench, tmp_path: Path
) -> None:
    def run(path: Path, *more: str) -> Any:
        stamps = bench.stamps()
        done = bench.run("--set", f'methods=["clean","noise:{path}"]', "--set", "seeds=[7]", *more)
        assert {name for name, at in bench.stamps().items() if stamps.get(name) != at} <= set(
            bench.cache.rglob("survey-*")
        )
        return done

    def imported(values: np.ndarray, name: str, dataset: str = "") -> Path:
        np.save(bench.root / "theirs.npy", values)
        out = bench.root / f"{name}{len(list(bench.root.iterdir()))}.safetensors"
        more = ["--dataset", dataset] if dataset else []
        assert noise("import", str(bench.root / "theirs.npy"), str(out), "--name", name, *more).status == 0
        return out

    zeros = np.zeros((42, 3, 8, 8), dtype=np.int8)
    one, other = imported(zeros, "mine"), imported(zeros + 1, "mine")
    done = bench.run("--set", f'methods=["noise:{one}","noise:{other}"]', "--set", "seeds=[7]")
    refuse(done, "have the same name, 'mine'", "import one of them under another")
    refuse(run(imported(np.zeros((10, 3, 32, 32)), "classes", "photo-patches")), "has shape (2000, 3, 32, 32)")
    refuse(run(bench.root / "nothing.safetensors"), "cannot read the noise file")
    refuse(run(cached(bench, "em-fu22")), "the name of a method", "noise import")
    content = bytearray(other.read_bytes())
    content[-1] ^= 1
    other.write_bytes(content)
    refuse(run(other), "is damaged")


def test_a_noise_is_held_to_the_bound_of_the_method_that_made_it(noise: Callable[..., Any], bench: Bench) -> None:
    out = bench.root / "one-pixel.safetensors"
    assert noise("make", "--method", "ops-wu23", str(out)).status == 0
    done = noise("validate", str(out))
    assert done.status == 0
    assert "its method's own bound: one pixel" in done.out
    refused = noise("validate", str(out), "--bound", "8")
    assert refused.status == 1
    assert "over the bound of 8" in refused.out
    other = bench.root / "other.safetensors"
    assert noise("import", str(out), str(other), "--name", "other").status == 0
    assert noise("validate", str(other)).status == 0
    wide, renamed = bench.root / "wide.safetensors", bench.root / "renamed.safetensors"
    assert noise("make", "--method", "random", "--set", "setup.noise.rho_u=16", str(wide)).status == 0
    assert "16, at most 16" in noise("validate", str(wide)).out
    refuse(noise("import", str(wide), str(renamed), "--name", "wide", "--bound", "8"), "over the bound of 8/255")
    assert noise("import", str(wide), str(renamed), "--name", "wide").status == 0
    assert "16, at most 16" in noise("validate", str(renamed)).out


def test_a_noise_file_that_changes_before_it_is_used_is_refused(
    noise: Callable[..., Any], bench: Bench, images: Path
) -> None:
    mine = bench.root / "mine.safetensors"
    for value in (1, 2):
        np.save(bench.root / "theirs.npy", np.full((3, 3, 8, 8), value, dtype=np.int8))
        mine.unlink(missing_ok=True)
        assert noise("import", str(bench.root / "theirs.npy"), str(mine), "--name", "mine").status == 0
        if value == 1:
            places = Places(data=bench.root, cache=bench.cache)
            job = plan_noise(f"folder:{images}", f"noise:{mine}", load_protocol("smoke-v1"), 0, places)
    workplace = Workplace(results=bench.results, places=places, device="cpu", threads=1, by="")
    with pytest.raises(RequestError, match="changed while it was in use; rerun"):
        run_cell(job, workplace, lambda _done, _all: None, lambda: False)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["validate", "none.npy"], "cannot read none.npy"),
        (["validate", "none.npy", "--bound", "-1"], "--bound takes"),
        (["visibility", "none.safetensors"], "cannot read the noise file none.safetensors"),
        (["import", "none.npy", "out.safetensors", "--name", "mine"], "cannot read none.npy"),
        (["import", "none.npy", "out.safetensors", "--name", "mine", "--bound", "256"], "--bound takes"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_arguments_are_checked_before_images_are_read(
    words: list[str], says: str, images: Path, tmp_path: Path, command: Command
) -> None:
    cache = tmp_path / "new cache"
    refuse(command(["noise", *words, "--dataset", f"folder:{images}", "--cache", str(cache)]), says)
    assert not cache.exists()


def test_import_says_what_was_understood_and_refuses_what_a_noise_file_states(
    images: Path, tmp_path: Path, command: Command
) -> None:
    theirs, mine, other = (tmp_path / name for name in ("theirs.npy", "mine.safetensors", "other.safetensors"))
    np.save(theirs, np.full((42, 8, 8, 3), 7.99 / 255))

    def imported(source: Path, out: Path, *more: str) -> Any:
        places = ["--dataset", f"folder:{images}", "--cache", str(tmp_path / "cache")]
        return command(["noise", "import", str(source), str(out), "--name", "mine", *places, *more])

    digest = hashlib.sha256(theirs.read_bytes()).hexdigest()
    assert (
        f"imported from theirs.npy (sha256 {digest}): layout nhwc, units of 1, one noise per image, "
        "largest entry 7.99/255 (bound 8/255); order not checked (no file names)\n"
    ) in imported(theirs, mine).out
    for hint in (["--key", "noise"], ["--layout", "nhwc"], ["--unit", "1"]):
        refuse(
            imported(mine, other, *hint),
            f"{mine} is a noise file and states its layout and unit; leave out --key, --layout and --unit",
        )
    assert not other.exists()
    assert ": a noise file (bound 8/255)\n" in imported(mine, other).out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "--help"),
        (["mak"], "--help"),
        (["make", "--method", "emm", "OUT"], "unknown method 'emm'"),
        (["make", "--method", "clean", "noise.npy"], "noise files end in .safetensors"),
        (["make", "--method", "clean", "--set", "seeds=[1]", "OUT"], "--set seeds: not a number of the protocol"),
        (["make", "--method", "clean", "--seed", "-1", "OUT"], "--seed"),
        (["make", "--method", "clean", "--seed", "9007199254740993", "OUT"], "--seed"),
        (["import", "none.npy", "OUT", "--name", "em"], "--name 'em' is the name of a method"),
        (["import", "none.npy", "OUT", "--name", "mine"], "cannot read none.npy"),
        (["validate", "none.npy"], "cannot read none.npy"),
        (["validate", "none.npy", "--bound", "-1"], "--bound takes"),
        (["validate", "none.npy", "--bound", "0.0314"], "--bound: radii are in 1/255; did you mean 8?"),
        (["validate", "none.npy", "--bound", "0.03"], "--bound: radii are in 1/255; did you mean 8?"),
        (["validate", "none.npy", "--bound", "8.0"], "none.npy"),
        (["import", "none.npy", "OUT", "--name", "mine", "--bound", "8/255"], "radii are in 1/255; did you mean 8?"),
        (["validate", "none.npy", "--bound", "much"], "--bound: takes a whole number, not 'much'"),
        (["make", "--method", "em", "--set", "setup.noise.rho_u=0.0314", "OUT"], "did you mean 8?"),
        (["validate", "none.npy", "--dataset", ""], "unknown dataset"),
        (["make", "--method", "clean", "FOLDER"], "is a folder; give a file inside it"),
        (["make", "--method", "clean", "/dev/null/OUT.safetensors"], "cannot write /dev/null"),
        (["validate", "none.txt"], "has an unsupported format"),
        (["export", "none.safetensors", "OUT"], "cannot read the noise file none.safetensors"),
        (["export", "none.safetensors", "OUT", "--unit", "2"], "--unit"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_requests_are_refused(
    words: list[str], says: str, noise: Callable[..., Any], bench: Bench, command: Command
) -> None:
    out = bench.root / "out" / "noise.safetensors"
    folder = bench.root / "folder.safetensors"
    folder.mkdir()
    places = {"OUT": str(out), "FOLDER": str(folder)}
    words = [places.get(word, word) for word in words]
    refuse(noise(*words) if words[1:] else command(["noise", *words]), says)
    assert not out.parent.exists()
