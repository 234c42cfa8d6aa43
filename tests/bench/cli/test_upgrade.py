"""`upgrade`, on records as 0.1 wrote them."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

Command = Callable[[list[str]], SimpleNamespace]
FORMER = Path(__file__).parents[1] / "records" / "former"


def stored(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.json")}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return shutil.copytree(FORMER, tmp_path / "results")


def test_a_folder_is_rewritten_once_and_is_right(command: Command, results: Path) -> None:
    for count in (8, 0):
        done = command(["upgrade", "--results", str(results)])
        assert (done.status, done.err) == (0, f"{count} records upgraded\n")
    assert {json.loads(path.read_text())["schema_version"] for path in results.rglob("*.json")} == {3}
    assert command(["validate", "--results", str(results)]).status == 0


def test_publish_upgrades_what_it_copies(command: Command, results: Path, tmp_path: Path) -> None:
    published, before = tmp_path / "published", stored(results)
    words = ["publish", str(results), "--results", str(published)]
    done = command(words)
    assert done.status == 0, done.out
    assert "8 records published, 0 already published" in done.err
    assert "0 records published, 8 already published" in command(words).err
    assert stored(results) == before
    assert command(["validate", "--results", str(published)]).status == 0
    assert command(["upgrade", "--results", str(results)]).status == 0
    assert stored(published) == stored(results)
    assert "0 records published, 8 already published" in command(words).err


def test_what_was_published_as_it_was_is_not_published_again(command: Command, results: Path, tmp_path: Path) -> None:
    published = shutil.copytree(FORMER, tmp_path / "published")
    done = command(["publish", str(results), "--results", str(published)])
    assert done.status == 0, done.out
    assert "0 records published, 8 already published" in done.err
    assert stored(published) == stored(FORMER)


def test_what_is_not_known_stays_and_is_counted(command: Command, results: Path) -> None:
    path = results / "noise/photo-patches/tap-fowl21/s0-75bd3ae6.json"  # of schema version 1, without a seal
    path.write_text(path.read_text().replace('"smoke-v1"', '"mine"'))
    done = command(["upgrade", "--results", str(results)])
    assert done.status == 0
    assert "6 records upgraded" in done.err  # all but that noise and its victim, which now has no noise
    assert "2 older records left unchanged: for a reason above, or because the protocol, method or noise" in done.err
    assert path.exists()


def test_what_is_misplaced_stays_and_is_named(
    command: Command, results: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = results / "records/photo-patches/tap-fowl21/resnet18-w8/r2-s1-4031b51e.json"
    other = path.rename(path.with_name("r2-s1-00000000.json"))
    done = command(["upgrade", "--results", str(results)])
    assert done.status == 0
    assert f"skipped {other}: its cell belongs at {path}" in caplog.messages
    assert "2 older records left unchanged: for a reason above, or" in done.err
    assert "or as the noise of a victim left unchanged\n" in done.err


def test_a_pipe_among_the_records_is_not_read(command: Command, results: Path, tmp_path: Path) -> None:
    pipe = results / "records/photo-patches/pipe.json"
    os.mkfifo(pipe)  # reading it would block
    refused = command(["publish", str(results), "--results", str(tmp_path / "published")])
    assert refused.status == 1
    assert f"{pipe}: is a link or not a regular file" in refused.out
    done = command(["upgrade", "--results", str(results)])
    assert (done.status, "8 records upgraded" in done.err) == (0, True)


def test_an_upgrade_that_was_killed_is_completed(command: Command, results: Path, tmp_path: Path) -> None:
    """It was killed after it had written new files and before it removed the old ones."""
    whole = shutil.copytree(FORMER, tmp_path / "whole")
    assert command(["upgrade", "--results", str(whole)]).status == 0
    added = [name for name in stored(whole) if name not in stored(results) and name.startswith("records/")]
    assert added
    for name in added:
        (results / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(whole / name, results / name)
    done = command(["upgrade", "--results", str(results)])
    assert (done.status, done.err) == (0, "8 records upgraded\n")
    assert stored(results) == stored(whole)


def test_attestations_that_are_no_utf8_are_rewritten_too(command: Command, results: Path) -> None:
    path = next((results / "noise").rglob("*.json"))
    line = f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(results)}\n"
    (results / "trust.toml").write_bytes(b"# caf\xe9\n" + line.encode())
    assert command(["upgrade", "--results", str(results)]).status == 0
    first, attested = (results / "trust.toml").read_bytes().splitlines()
    assert first == b"# caf\xe9"
    digest, name = attested.decode().split()
    assert digest == hashlib.sha256((results / name).read_bytes()).hexdigest()


def test_no_folder_is_one_line(command: Command, tmp_path: Path) -> None:
    done = command(["upgrade", "--results", str(tmp_path / "absent")])
    assert (done.status, done.out) == (2, "")
    assert "no folder of records" in done.err


def test_who_runs_is_what_the_option_says(empty: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNLEARNABLE_BENCH_BY", "somebody")
    asked = ("--set", "methods=clean", "--set", "radii=[0]", "--only", "noise")
    assert empty.run(*asked, "--by", "me").status == 0
    assert json.loads(empty.record("noise/*/*/*.json").read_text())["by"] == "me"
