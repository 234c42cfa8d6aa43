"""`validate` and `publish`."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.seal import seal

Command = Callable[[list[str]], Any]
HEAVY = re.compile(r"\|\s+((?:torch|timm|torchvision|kornia|sklearn|pandas)(?:\.\S*)?)$", re.MULTILINE)


@pytest.fixture
def run(tmp_path: Path, write_records: Callable[[Path], Path]) -> Path:
    return write_records(tmp_path / "run")


def stored(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.json")}


def spoil(path: Path, **values: Any) -> None:
    path.write_bytes(seal(json.loads(path.read_text()) | values))


def test_validate_tells_right_from_wrong(command: Command, run: Path) -> None:
    right = command(["validate", "--results", str(run)])
    assert (right.status, right.out) == (0, "")
    assert right.err == "12 records, 0 problems, 0 warnings\n"
    path = next((run / "records").rglob("*.json"))
    spoil(path, finished="soon")
    wrong = command(["validate", "--results", str(run)])
    assert wrong.status == 1
    assert wrong.out.startswith(f"{path}: its finishing time")
    assert len(wrong.out.splitlines()) == 1
    spoil(path, finished="2026-01-01T00:00:00Z", environment=json.loads(path.read_text())["environment"] | {"dirty": 1})
    assert command(["validate", "--results", str(run)]).status == 1
    spoil(path, environment=json.loads(path.read_text())["environment"] | {"dirty": True})
    warned = command(["validate", "--results", str(run)])
    assert warned.status == 0
    assert warned.out.startswith(f"{path}: warning: ")


def test_publish_copies_what_finished(command: Command, run: Path, tmp_path: Path) -> None:
    published = tmp_path / "published"
    failed = next((run / "records").rglob("em-fu22/*/r4-s1-*.json"))
    spoil(failed, status="failed", error="out of memory", metrics=None, curve=[])
    wanted = stored(run)
    del wanted[failed.relative_to(run).as_posix()]
    words = ["publish", str(run), "--results", str(published)]
    done = command(words)
    assert done.status == 0, done.out
    assert stored(published) == wanted
    assert f"{failed}: failed cell, skipped" in done.out
    assert f"python -m bench leaderboard --results {published}" in done.out
    assert "11 records published, 0 already published" in done.err
    assert "0 records published, 11 already published" in command(words).err


def test_a_published_record_stays_as_it_is(command: Command, run: Path, tmp_path: Path) -> None:
    published = tmp_path / "published"
    words = ["publish", str(run), "--results", str(published)]
    path = next((run / "records").rglob("*.json"))
    target = published / path.relative_to(run)
    before = path.read_bytes()
    path.unlink()
    assert command(words).status == 0
    target.write_bytes(before)
    path.write_bytes(before)
    spoil(path, by="somebody")
    refused = command(words)
    assert refused.status == 1
    assert f"{path}: differs from {target}" in refused.out
    assert target.read_bytes() == before
    data = json.loads(before) | {"status": "failed", "error": "out of memory", "metrics": None, "curve": []}
    target.write_bytes(seal(data))  # only a failure may be replaced
    assert command(words).status == 0
    assert target.read_bytes() == path.read_bytes()


@pytest.fixture
def elsewhere(command: Command, run: Path, tmp_path: Path) -> Path:
    """The folder of a run on another machine, whose noises are published; its victims are of other trainers."""
    published = tmp_path / "published records"
    victims = list(run.rglob("records/**/r4-*.json"))
    for path in victims:
        path.rename(path.with_suffix(".kept"))
    done = command(["publish", str(run), "--results", str(published)])
    assert f"leaderboard --results '{published}'\n" in done.out
    for path in run.rglob("records/**/r0-*.json"):
        path.unlink()
    for path in victims:
        path.with_suffix(".kept").rename(path)
    return published


def test_the_same_noise_made_again_is_known(command: Command, run: Path, elsewhere: Path) -> None:
    for path in run.rglob("noise/**/*.json"):
        spoil(path, finished="2026-02-02T00:00:00Z", by="somebody")
    before, victims = stored(elsewhere), {name: text for name, text in stored(run).items() if "records" in name}
    done = command(["publish", str(run), "--results", str(elsewhere)])
    assert done.status == 0, done.out
    assert f"{len(victims)} records published, 4 already published" in done.err
    assert stored(elsewhere) == before | victims


def test_another_noise_needs_other_seeds(command: Command, run: Path, elsewhere: Path) -> None:
    """The victims that were trained on it add no lines of their own."""
    (noise,) = run.glob("noise/cifar10/em-fu22/s0-*.json")
    for path in (noise, *run.glob("records/cifar10/em-fu22/*/r4-s0-*.json")):
        spoil(path, digests=json.loads(path.read_text())["digests"] | {"noise": "f" * 64})
    before = stored(elsewhere)
    refused = command(["publish", str(run), "--results", str(elsewhere)])
    assert refused.status == 1
    folder = elsewhere / "noise/cifar10/em-fu22"
    assert refused.out == (
        f"{noise}: its noise is not that of {folder / noise.name}, and optimised noise differs between machines; "
        f"use seeds that {folder} does not have yet, for the method and for clean\n"
    )
    assert stored(elsewhere) == before


def test_nothing_is_copied_beside_a_problem(command: Command, run: Path, tmp_path: Path) -> None:
    published = tmp_path / "published"
    spoil(next((run / "records").rglob("*.json")), finished="2999-01-01T00:00:00Z")
    refused = command(["publish", str(run), "--results", str(published)])
    assert refused.status == 1
    assert "its finishing time is in the future" in refused.out
    assert not published.exists()


def test_records_are_checked_beside_the_published_ones(command: Command, run: Path, tmp_path: Path) -> None:
    """A victim far above the published clean ones is refused."""
    published = tmp_path / "published"
    protected = [path for path in run.rglob("*.json") if "em-fu22" in path.parts]
    for path in protected:
        path.rename(path.with_suffix(".kept"))
    assert command(["publish", str(run), "--results", str(published)]).status == 0
    for path in run.rglob("*.json"):
        path.unlink()
    for path in protected:
        path.with_suffix(".kept").rename(path)
    path = next((run / "records").rglob("em-fu22/*/r0-s0-*.json"))
    data = json.loads(path.read_text())
    data["curve"] = [point | {"accuracy": 99.0} for point in data["curve"]]
    accuracies = dict.fromkeys(("accuracy_final", "accuracy_last_mean", "accuracy_peak"), 99.0)
    spoil(path, curve=data["curve"], metrics=data["metrics"] | accuracies)
    refused = command(["publish", str(run), "--results", str(published)])
    assert refused.status == 1
    assert f"{path}: 99.00% on protected images is higher than the spread of seeds explains: 80.50%" in refused.out


def test_a_run_may_not_put_published_records_in_the_wrong(command: Command, run: Path, tmp_path: Path) -> None:
    """A published victim that passed so far is far above the clean ones that the run adds."""
    published = tmp_path / "published"
    path = next((run / "records").rglob("em-fu22/*/r0-s0-*.json"))
    data = json.loads(path.read_text())
    accuracies = dict.fromkeys(("accuracy_final", "accuracy_last_mean", "accuracy_peak"), 99.0)
    curve = [point | {"accuracy": 99.0} for point in data["curve"]]
    spoil(path, curve=curve, metrics=data["metrics"] | accuracies)
    for first in [*run.rglob("em-fu22/**/*.json")]:
        target = published / first.relative_to(run)
        target.parent.mkdir(parents=True, exist_ok=True)
        first.rename(target)
    assert command(["validate", "--results", str(published)]).status == 0
    words = ["publish", str(run), "--results", str(published)]
    refused = command(words)
    assert refused.status == 1
    assert f"{published / path.relative_to(run)}: 99.00% on protected images is higher than" in refused.out
    assert not (published / "records" / "cifar10" / "clean").exists()
    # an earlier problem, with other seeds, does not prevent a run from being published
    last = next((run / "records").rglob("clean/*/r0-s1-*.json"))
    before = last.read_bytes()
    last.unlink()
    for clean in [*run.rglob("clean/**/*.json")]:
        target = published / clean.relative_to(run)
        target.parent.mkdir(parents=True, exist_ok=True)
        clean.rename(target)
    assert command(["validate", "--results", str(published)]).status == 1
    last.write_bytes(before)
    assert command(words).status == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["validate", "--results", "{root}/absent"], "no folder of records"),
        (["publish", "{root}/absent", "--results", "{root}/run"], "no folder of records"),
        (["publish", "{root}/run", "--results", "{root}/run"], "published records;"),
        (["publish", "{root}", "--results", "{root}/run"], "has no records"),
        (["validate", "--results", "{root}"], "has no records; give a folder in which `run` has finished a cell"),
        (["leaderboard", "--results", "{root}"], "has no records; give"),
        (["plot", "--results", "{root}"], "has no records; give"),
        (["publish", "{root}/run", "--results", "{root}/file"], "cannot read"),
        (["publish", "{root}/run", "--results", "{root}/loop"], "symbolic links"),
        (["validate", "--results="], "--results: the path is empty; give one or leave the option out"),
        (["validate", "--result", "{root}/run"], "--result"),
    ],
)
def test_a_wrong_request_is_one_line(command: Command, run: Path, tmp_path: Path, words: list[str], said: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    done = command([word.format(root=tmp_path) for word in words])
    assert done.status == 2
    assert done.out == ""
    assert said in done.err
    assert len(done.err.splitlines()) == 1


def test_validate_imports_nothing_heavy(run: Path) -> None:
    words = [sys.executable, "-X", "importtime", "-m", "bench", "validate", "--results", str(run)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "bench.validation" in done.stderr
    assert not HEAVY.findall(done.stderr)
