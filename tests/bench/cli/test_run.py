"""`run` on a tiny grid: it makes only what is missing, and the same results when repeated."""

import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from bench.cli.listing import TABLES
from bench.records.schema import Environment
from bench.records.store import Store
from bench.seal import seal

Bench = Any  # the classes in conftest.py
Ended = Any

CELLS = [
    "dots/clean/noise/s0",
    "dots/clean/resnet18-w8/r0-s0",
    "dots/clean/resnet18-w8/r4-s0",
    "dots/em-fu22/noise/s0",
    "dots/em-fu22/resnet18-w8/r0-s0",
    "dots/em-fu22/resnet18-w8/r4-s0",
]
OF_A_RUN = {"environment", "finished", "by", "peak_memory"}  # parts of a record that no number depends on


def outcomes(results: Path) -> dict[str, Any]:
    """Return the outcome of each cell, without what differs from run to run."""
    found = {}
    for record in Store(results).all():
        data = record.model_dump(mode="json", exclude=OF_A_RUN)
        data["costs"] = {phase: cost["passes"] for phase, cost in data["costs"].items()}
        found[record.cell.label] = data
    return found


def test_first_run_makes_every_cell_and_prints_the_leaderboard(first: tuple[Bench, Ended]) -> None:
    bench, run = first
    assert run.status == 0, run.err
    assert sorted(run.began) == CELLS
    found = outcomes(bench.results)
    assert sorted(found) == CELLS
    assert {data["status"] for data in found.values()} == {"ok"}
    for word in ("dots", "clean", "em-fu22", "rho_a 0", "rho_a 4"):
        assert word in run.out
    for name in ("leaderboard.md", "leaderboard.csv"):
        assert "em-fu22" in (bench.results / name).read_text()


def test_two_workers_make_the_same(first: tuple[Bench, Ended], empty: Bench) -> None:
    run = empty.run("--jobs", "2")
    assert run.status == 0, run.err
    assert sorted(run.began) == CELLS
    assert outcomes(empty.results) == outcomes(first[0].results)


def test_passes_made_are_the_passes_planned(first: tuple[Bench, Ended]) -> None:
    bench, _ = first
    found = outcomes(bench.results)
    batch, images, tests, robust = 42, 42, 18, 6
    noise = found["dots/em-fu22/noise/s0"]["costs"]["generation"]
    assert noise == {"attack": 2 * batch + images, "train": 2 * batch, "forward": 0}
    victim = found["dots/clean/resnet18-w8/r4-s0"]["costs"]
    assert {name: victim["training"][name] for name in ("attack", "train")} == {"attack": 2 * batch, "train": 2 * batch}
    assert victim["evaluation"]["attack"] == robust
    assert victim["evaluation"]["forward"] == 2 * tests + images + robust


def test_shards_divide_a_grid_and_log_what_they_finish(empty: Bench) -> None:
    logged = empty.results / "tensorboard"
    first = empty.run("--shard", "1/2", "--log", "tensorboard")
    assert (first.status, sorted(first.began)) == (0, [cell for cell in CELLS if "/clean/" in cell])
    events = {str(path.parent.relative_to(logged)) for path in logged.rglob("events.*")}
    assert events == set(first.began)
    second = empty.run("--shard", "2/2")
    assert (second.status, sorted(second.began)) == (0, [cell for cell in CELLS if "/clean/" not in cell])


def test_second_run_does_nothing(bench: Bench) -> None:
    before, leaderboard = bench.stamps(), (bench.results / "leaderboard.md").read_bytes()
    again = bench.run()
    assert again.status == 0
    assert not again.began
    assert "em-fu22" in again.out
    assert bench.stamps() == before
    assert (bench.results / "leaderboard.md").read_bytes() == leaderboard


def test_status_watches_until_nothing_is_missing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    record, waits = bench.record("records/dots/em-fu22/*/r4-*.json"), []
    content = record.read_bytes()
    record.unlink()

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            record.write_bytes(content)  # another runner has finished it

    monkeypatch.setattr("bench.cli.status.time.sleep", wait)
    done = bench.do("status", "--watch", "0.1")
    assert done.status == 0
    assert waits == [0.1, 0.1]
    counts = [line for line in done.out.splitlines() if " done, " in line]
    assert [count.split(",")[0] for count in counts] == ["5 done", "5 done", "6 done"]


def test_only_makes_what_it_names_and_the_same(bench: Bench) -> None:
    before, stamps = outcomes(bench.results), bench.stamps()
    noise, asked = bench.record("noise/dots/em-fu22/*.json"), bench.record("records/dots/em-fu22/*/r4-*.json")
    not_asked = bench.record("records/dots/em-fu22/*/r0-*.json")
    made = json.loads(noise.read_text())
    for record in (noise, asked, not_asked):
        record.unlink()
    run = bench.run("--only", "em-fu22/resnet18-w8/r4")
    assert run.status == 0
    assert run.began == [CELLS[3], CELLS[5]]
    assert outcomes(bench.results) == {label: data for label, data in before.items() if label != CELLS[4]}
    assert {path for path, stamp in bench.stamps().items() if stamps[path] != stamp} == {noise, asked}
    assert json.loads(noise.read_text()) == made  # seconds and date too: the noise in the cache says how it was made


def test_damaged_and_lost_files_are_made_again_the_same(bench: Bench) -> None:
    before = outcomes(bench.results)
    (damaged,) = bench.cache.glob("noise/dots/em-fu22/*.safetensors")
    content = bytearray(damaged.read_bytes())
    content[-1] ^= 1
    damaged.write_bytes(content)
    torn = bench.record("records/dots/em-fu22/*/r0-*.json")
    torn.write_bytes(torn.read_bytes()[:200])
    shutil.rmtree(bench.cache / "noise/dots/clean")
    bench.record("records/dots/clean/*/r0-*.json").unlink()
    noise_stamp = bench.record("noise/dots/clean/*.json").stat().st_mtime_ns

    assert bench.run().status == 0
    assert outcomes(bench.results) == before
    assert damaged.with_name(damaged.name + ".corrupt").read_bytes() == content
    assert torn.with_name(torn.name + ".corrupt").exists()
    assert bench.record("noise/dots/clean/*.json").stat().st_mtime_ns == noise_stamp
    assert list(bench.cache.glob("noise/dots/clean/*.safetensors"))


def test_another_noise_than_was_recorded_stops_its_victims_alone(bench: Bench) -> None:
    before = outcomes(bench.results)
    record = bench.record("noise/dots/em-fu22/*.json")
    content = record.read_bytes()
    data = json.loads(content)
    other = {
        "digests": data["digests"] | {"noise": "0" * 64},
        "environment": data["environment"]
        | {"device": "Some CPU", "processor": "family 1, model 2", "threads": 1, "commit": "1234567" + 33 * "8"},
    }
    record.write_bytes(seal(data | other))
    for lost in ("em-fu22/*/r4-*.json", "clean/*/r0-*.json"):
        bench.record(f"records/dots/{lost}").unlink()
    next(bench.cache.glob("noise/dots/em-fu22/*.safetensors")).unlink()
    run = bench.run()
    assert run.status == 1
    assert "the noise made now differs from the noise recorded in" in run.err
    assert "made on Some CPU (family 1, model 2) with 1 thread at commit 1234567; give the --cache with" in run.err
    assert "1 still missing: their noise could not be regenerated, or differs from its record" in run.err
    assert [path.name for path in bench.results.glob("records/dots/em-fu22/*/*")] == [
        bench.record("records/dots/em-fu22/*/r0-*.json").name
    ]
    record.write_bytes(content)
    assert bench.run().status == 0
    assert outcomes(bench.results) == before


def test_fresh_folders_give_the_same_noise_and_accuracies(first: tuple[Bench, Ended], empty: Bench) -> None:
    assert empty.run().status == 0
    assert outcomes(empty.results) == outcomes(first[0].results)


def test_a_cached_noise_is_recorded_under_the_names_that_are_asked_for(bench: Bench) -> None:
    """Longer victims make another protocol with the same noises; its records have their own folder."""
    made = json.loads(bench.record("noise/dots/em-fu22/*.json").read_text())
    shutil.rmtree(bench.results)
    again = bench.run("--set", "setup.victim.steps=3")
    assert again.status == 0
    found = json.loads(bench.record("noise/dots/em-fu22/*.json").read_text())
    victim = json.loads(bench.record("records/dots/em-fu22/*/r0-*.json").read_text())
    assert found["cell"]["protocol"] == victim["cell"]["protocol"] != made["cell"]["protocol"]
    assert found["digests"] == made["digests"]
    assert found["finished"] == made["finished"]  # it was not made again


def test_status_and_plan_of_a_finished_grid(bench: Bench) -> None:
    before = bench.stamps()
    status = bench.do("status")
    assert status.status == 0
    assert "6 done, 0 running, 0 queued, 0 to do, 0 waiting, 0 failed" in status.out
    assert bench.stamps() == before
    assert "missing here" not in status.err
    absent = bench.do("status", "--set", "datasets=cifar10-jpeg")
    assert absent.status == 0
    assert "images or weights are missing here, so finished cells may be listed as to do" in absent.err
    present = ("--set", "datasets=cifar10")  # whose identity is known without its images
    assert "missing here" not in bench.do("status", *present).err
    assert "missing here" in bench.do("status", *present, "--set", "victims=resnet18-w8.cifar10-jpeg").err
    plan = bench.do("plan")
    assert plan.status == 0
    assert "6 cells of protocol tiny-v1, 0 to run" in plan.out
    assert "tiny: 1 cell of protocol tiny-v1, 0 to run" in bench.do("plan", "--only", "clean/noise").out
    redo = bench.do("plan", "--set", "seeds=[1]")
    assert "Remaining: 726 image-passes. Time: about " in redo.out  # existing records show the speed


def test_recorded_noises_that_the_cache_lacks_are_told_and_counted(bench: Bench) -> None:
    def passes() -> int:
        (count,) = re.findall(r"Remaining: (.*) image-passes", bench.do("plan", "--set", "radii=[2]").out)
        return int(count.replace(",", ""))

    victims = passes()
    assert "not in the cache" not in bench.do("plan", "--set", "radii=[2]").out
    shutil.rmtree(bench.cache / "noise")
    record = json.loads(bench.record("noise/dots/em-fu22/*.json").read_text())
    made = record["costs"]["generation"]["passes"]
    assert passes() == victims + made["attack"] + made["train"]
    place = Environment.model_validate(record["environment"]).place
    told = f"1 recorded noise is not in the cache and will be regenerated. Recorded on {place}. On other hardware, "
    listed = bench.do("plan", "--set", "radii=[2]", "--rows").out
    assert told in listed
    assert re.search(r"^dots/em-fu22/noise/s0 .* to regenerate$", listed, re.MULTILINE)
    assert re.search(r"^dots/clean/noise/s0 .* done$", listed, re.MULTILINE)
    again = bench.run("--set", "radii=[2]")
    assert again.status == 0
    assert told in again.err
    assert "not in the cache" not in bench.run("--set", "radii=[6]").err


def test_plan_of_a_new_grid_tells_cells_passes_and_time_and_makes_none(empty: Bench) -> None:
    plan = empty.do("plan")
    assert plan.status == 0
    first, second, *_ = plan.out.splitlines()
    assert first == "tiny: 6 cells of protocol tiny-v1, 6 to run"
    assert second.startswith("Remaining: 726 image-passes. Time unknown on ")
    assert f" --cache {empty.cache} (a run also measures it" in plan.out
    data = str(empty.root / "data")
    assert f" --cache {empty.cache} --data {data} (a run also" in empty.do("plan", "--data", data).out
    assert not any(label in plan.out for label in CELLS)
    listed = empty.do("plan", "--rows").out
    assert listed.startswith(plan.out)
    assert all(label in listed for label in CELLS)
    assert not empty.results.exists()
    assert not (empty.cache / "noise").exists()
    (told,) = re.findall(r"To measure one: python -m bench (profile --victim resnet18-w8 .*) \(a run", plan.out)
    profile = empty.carry_out([*shlex.split(told), "--cache", str(empty.cache)])
    assert profile.status == 0, profile.err
    assert "image-passes. Time: about " in empty.do("plan").out


def test_leaderboard_command_agrees_with_the_run(bench: Bench, command: Any) -> None:
    words = ["leaderboard", "--results", str(bench.results)]
    assert command([*words, "--check"]).status == 0
    (bench.results / "leaderboard.md").write_text("mine\n")
    differs = command([*words, "--check"])
    assert differs.status == 1
    assert "-mine" in differs.out
    assert command(words).status == 0
    assert command([*words, "--check"]).status == 0


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("methods", ("em-fu22", "rem-fu22", "sem-liu24", "clean", "random")),
        ("victims", ("resnet", "vit", "densenet")),
        ("datasets", ("photo-patches", "cifar10", "imagenet-100", "folder:PATH")),
        ("grids", ("smoke", "full")),
        ("protocols", ("smoke-v1", "paper-v1")),
    ],
)
def test_lists(what: str, words: tuple[str, ...], command: Any) -> None:
    listed = command(["list", what])
    assert listed.status == 0
    assert all(word in listed.out for word in words)


@pytest.mark.parametrize("what", TABLES)
def test_every_list_has_rows(what: str, command: Any) -> None:
    listed = command(["list", what])
    assert listed.status == 0, listed.err
    head, *rows = listed.out.splitlines()
    assert head.split()[0] == TABLES[what]()[0][0]
    assert "of" not in TABLES[what]()[0]
    assert rows
