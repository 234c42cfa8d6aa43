"""A method or a noise file next to everything published: what is measured, what is shown, and what is refused."""

import json
import shlex
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.compare.compare import by_cost, comparison, measure
from bench.data import Places
from bench.records.store import Store
from bench.run.executors.event import Event
from bench.run.job import Job
from bench.run.rates import Rates
from bench.run.workplace import Workplace
from bench.seal import seal

Bench = Any  # the classes in conftest.py

SUITE = """
name = "trio"
title = "three trainers"
protocol = "tiny-v1.toml"
methods = ["clean"]
[casts.tiny-v1]
dataset = "folder:{images}"
victims = {{ resnet = "resnet18-w8" }}
[[trainer]]
title = "standard training"
kind = "standard"
reason = "first"
victim = "resnet"
rho_a = 0
[[trainer]]
title = "adversarial training"
kind = "adversarial training"
reason = "second"
victim = "resnet"
rho_a = 4
[[trainer]]
title = "two bits"
kind = "image filter"
reason = "third"
victim = "resnet"
rho_a = 0
countermeasure = "bit-depth-2"
"""
STANDARD, ATTACKED, BITS = "r0-s0", "r4-s0", "r0-s0-bit-depth-2"


def words(bench: Bench, what: str, *more: str) -> list[str]:
    suite = bench.root / "trio.toml"
    published = ["--published", str(bench.results)]
    own = ["--results", str(bench.root / "own"), "--cache", str(bench.cache), "--device", "cpu", "--jobs", "1"]
    return ["compare", what, "--suite", str(suite), *published, *own, *more]


@pytest.fixture
def published(bench: Bench, images: Path) -> Bench:
    """A bench with published records of clean and EM at two of the trainers."""
    (bench.root / "trio.toml").write_text(SUITE.format(images=images))
    return bench


def noise_file(bench: Bench, images: Path, name: str, *, seed: int = 0, file: str = "mine") -> Path:
    """Import an author's own noise for the images of the bench, and return its file."""
    tensor, out = bench.root / f"{file}.npy", bench.root / f"{file}.safetensors"
    np.save(tensor, np.random.default_rng(seed).integers(-8, 9, (42, 3, 8, 8)).astype(np.int16))
    places = ["--cache", str(bench.cache), "--dataset", f"folder:{images}"]
    made = bench.carry_out(["noise", "import", str(tensor), str(out), "--name", name, *places])
    assert made.status == 0, made.err
    return out


def test_a_noise_file_is_measured_and_shown_next_to_the_published(published: Bench, images: Path) -> None:
    own = noise_file(published, images, "mine26")
    plan = published.carry_out(words(published, str(own), "--plan"))
    assert "trio: 4 cells of protocol tiny-v1, 4 to run" in plan.out, plan.err
    assert not (published.root / "own").exists()
    stamps = published.stamps()
    ended = published.carry_out(words(published, str(own)))
    assert ended.status == 0, ended.err
    assert sorted(ended.began) == [
        f"dots/mine26/{of}" for of in ("noise/s0", *(f"resnet18-w8/{at}" for at in sorted([STANDARD, ATTACKED, BITS])))
    ]
    lines = {line.split()[0 if line[0] != ">" else 1]: line for line in ended.out.splitlines() if line.strip()}
    assert lines["mine26"].startswith(">")
    assert "3/3" in lines["mine26"]
    assert "2/3" in lines["em-fu22"]
    assert "two bits" in ended.out
    assert "With fewer than 3 seeds no rank is decided" in ended.out
    assert {path: stamps[path] for path in stamps if "results" in str(path)} == {
        path: when for path, when in published.stamps().items() if "results" in str(path)
    }
    again = published.carry_out(words(published, str(own)))
    assert (again.began, again.out) == ([], ended.out)
    other = noise_file(published, images, "mine26", seed=1, file="other")
    refused = published.carry_out(words(published, str(other)))
    assert (refused.status, len(refused.err.splitlines())) == (2, 1)
    assert "another noise called 'mine26'" in refused.err


def test_only_what_is_not_published_is_run(published: Bench) -> None:
    ended = published.carry_out(words(published, "em"))
    assert [label for label in ended.began if "noise" not in label] == [f"dots/em-fu22/resnet18-w8/{BITS}"]
    labels = {record.cell.label for record in Store(published.root / "own").all()}
    assert labels <= {"dots/em-fu22/noise/s0", f"dots/em-fu22/resnet18-w8/{BITS}"}
    assert "3/3" in next(line for line in ended.out.splitlines() if line.startswith(">"))


def test_without_another_method_it_says_first_how_to_measure_some(published: Bench, images: Path) -> None:
    shutil.rmtree(published.results / "records" / "dots" / "em-fu22")
    asked = words(published, "pil", "--dataset", f"folder:{images}", "--set", "setup.victim.steps=3", "--plan")
    (note,) = published.carry_out(asked).err.splitlines()
    said, command = note.split(": python -m bench ")
    assert said.startswith("note: the records have no other method on dots at tiny-v1")
    measured = published.carry_out([*shlex.split(command), "--only", "dots/em.*/(noise/s0|r0-s0)$", "--device", "cpu"])
    assert measured.status == 0, measured.err
    assert len(measured.began) == 2
    assert published.carry_out(asked).err == ""


def test_a_noise_for_another_dataset_is_refused_with_what_to_ask_for(empty: Bench) -> None:
    """By default, `strong-v1` uses other images than those that authors try first."""
    tensor, out = empty.root / "own.npy", empty.root / "own.safetensors"
    np.save(tensor, np.full((2000, 3, 32, 32), 3, np.int8))
    asked = ["--cache", str(empty.cache), "--dataset", "photo-patches"]
    made = empty.carry_out(["noise", "import", str(tensor), str(out), "--name", "mine26", *asked])
    assert made.out.splitlines()[-1].endswith(
        f"python -m bench compare {out} --protocol smoke-v1 --plan --cache {empty.cache}"
    )
    folders = ["--published", "results", "--results", str(empty.root / "own"), "--cache", str(empty.cache)]
    refused = empty.carry_out(["compare", str(out), "--plan", *folders])
    assert (refused.status, refused.out) == (2, "")
    assert "is for photo-patches, and protocol lite-v1 of strong-v1 for cifar10-jpeg" in refused.err
    assert refused.err.endswith("; give --protocol smoke-v1\n")


def test_cheap_stops_where_the_rank_is_settled(published: Bench, images: Path) -> None:
    own = noise_file(published, images, "mine26")
    published.record("records/dots/em-fu22/*/r4-*.json").unlink()  # only the first trainer can decide a rank
    ended = published.carry_out(words(published, str(own), "--cheap"))
    assert ended.status == 0, ended.err
    assert len([label for label in ended.began if "noise" not in label]) == 1
    assert "skipped 2 cells" in ended.err
    assert "1/3" in next(line for line in ended.out.splitlines() if line.startswith(">"))
    shutil.rmtree(published.results / "records" / "dots" / "em-fu22")
    alone = published.carry_out(words(published, str(own), "--cheap"))
    assert (alone.status, alone.began) == (2, [])
    assert "error: --cheap stops when the rank is settled, but there will be no rank; leave it out" in alone.err


def test_victims_of_a_noise_that_differs_from_the_published_one_are_missing(published: Bench) -> None:
    """The published noise, made on other hardware say, comes out differently here."""
    (noise,) = published.results.glob("noise/dots/em-fu22/*.json")
    record = json.loads(noise.read_bytes())
    noise.write_bytes(seal(record | {"digests": record["digests"] | {"noise": "0" * 64}}))
    next(published.cache.glob("noise/dots/em-fu22/*.safetensors")).unlink()
    plan = published.carry_out(words(published, "em", "--plan"))
    assert "1 recorded noise is not in the cache and will be regenerated" in plan.out
    assert not (published.root / "own").exists()
    ended = published.carry_out(words(published, "em"))
    assert ended.status == 1
    assert ended.began == ["dots/em-fu22/noise/s0"]
    assert (
        ended.err.splitlines()[-1]
        == "1 still missing: their noise could not be regenerated, or differs from its record"
    )


def test_an_own_noise_is_not_compared_as_the_published_one_of_its_seed(published: Bench) -> None:
    assert published.carry_out(words(published, "em")).status == 0
    own = published.root / "own"
    (victim,), (noise,) = own.glob("records/dots/em-fu22/*/*.json"), own.glob("noise/dots/em-fu22/*.json")
    record = json.loads(noise.read_bytes())
    noise.write_bytes(seal(record | {"digests": record["digests"] | {"noise": "0" * 64}}))
    for more in ([], ["--plan"], ["--cheap"]):
        refused = published.carry_out(words(published, "em", *more))
        assert (refused.status, refused.out, refused.began, len(refused.err.splitlines())) == (2, "", [], 1)
        assert f"{noise} is not the noise published for this seed" in refused.err
        assert "on a machine that makes the published noise again" in refused.err
        victim.unlink(missing_ok=True)  # refused at first with all victims done, then with one to run


def test_cheap_goes_on_while_a_trainer_of_another_is_lacking(published: Bench, images: Path) -> None:
    own = noise_file(published, images, "mine26")
    ended = published.carry_out(words(published, str(own), "--cheap"))
    began = [label.rpartition("/")[2] for label in ended.began if "noise" not in label]
    assert began[-1] == ATTACKED  # the most expensive
    assert set(began) == {STANDARD, BITS, ATTACKED}


def test_interrupted_where_trainers_come_one_by_one_it_counts_the_cells_of_all(
    published: Bench, images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupted:
        def run(self, jobs: Sequence[Job]) -> Iterator[Event]:
            yield Event(job=jobs[0], kind="began")
            raise KeyboardInterrupt

    suite, places = str(published.root / "trio.toml"), Places(data=published.cache / "data", cache=published.cache)
    own = str(noise_file(published, images, "mine26"))
    found = comparison(
        own,
        suite=suite,
        protocol=None,
        dataset=None,
        changes=(),
        results=published.root / "own",
        published=published.results,
        places=places,
    )
    place = Workplace(results=found.results, places=places, device="cpu", threads=1, by="")
    steps = by_cost(found, Rates(place), [place])
    assert len(steps) == 3
    with pytest.raises(KeyboardInterrupt):
        measure(found, Interrupted(), places, retry=None, steps=steps)
    assert "interrupted: 4 of 4 cells left; repeat the command to resume" in capsys.readouterr().err


def test_a_noise_for_other_images_is_refused_before_anything_runs(
    published: Bench, images: Path, tmp_path: Path, write_tree: Any
) -> None:
    own = noise_file(published, images, "mine26")
    counts = {
        f"{split}/{name}": 14 if split == "train" else 6
        for split in ("train", "test")
        for name in ("ant", "bee", "cow")
    }
    other = write_tree(tmp_path / "other" / "dots", counts)
    ended = published.carry_out(words(published, str(own), "--dataset", f"folder:{other}"))
    assert (ended.status, len(ended.err.splitlines())) == (2, 1), ended.err
    assert "is for other images" in ended.err
    assert not list((published.root / "own").rglob("*.json"))


@pytest.mark.parametrize(
    ("what", "more", "said"),
    [
        ("semm", [], "did you mean 'sem'"),
        ("none.safetensors", [], "check the path"),
        ("mine.npy", [], "noise import mine.npy"),
        ("em", ["--protocol", "lite-v2"], "lite-v2"),
        ("em", ["--set", "methods=rem"], "--set changes seeds and setup.KEY"),
        ("em", ["--set", "radii=[1]"], "the method and the suite's trainers are fixed here; choose images"),
        ("random", ["--cheap"], "there will be no rank; leave it out"),
        ("em", ["--set", "seedz=1"], "unknown key 'seedz'; did you mean 'seeds'?"),
        ("em", ["--suite", "strong-v2"], "'strong-v1'"),
        ("em", ["--dataset", "cifar11"], "cifar1"),
        ("em", ["--published", "nowhere"], "nowhere holds no records; give --published"),
    ],
)
def test_wrong_requests_are_one_line(what: str, more: list[str], said: str, published: Bench) -> None:
    ended = published.carry_out(words(published, what, *more))
    assert (ended.status, len(ended.err.splitlines())) == (2, 1), ended.err
    assert said in ended.err
    assert not (published.root / "own").exists()
