import json
import shutil
import subprocess
from pathlib import Path

import pytest

from attacks.core.errors import RequestError
from bench.cli import main
from bench.report import leaderboard
from bench.report.release import changed, freeze

ROOT = Path(__file__).parents[3]
NAME = "results-2026.12"


@pytest.fixture
def folder(tmp_path: Path, results: Path) -> Path:
    return shutil.copytree(results, tmp_path / "results")


def test_a_release_has_the_tables_and_every_digest(folder: Path) -> None:
    freeze(folder, NAME)
    release = folder / "releases" / NAME
    assert (release / "leaderboard.csv").read_text() == leaderboard.render(folder)["leaderboard.csv"]
    listed = {line.split("  ")[1] for line in (release / "digests.txt").read_text().splitlines()}
    records = {path.relative_to(folder).as_posix() for path in folder.rglob("*.json") if release not in path.parents}
    assert records
    assert listed == records | {
        f"releases/{NAME}/{path.name}" for path in release.iterdir() if path.name != "digests.txt"
    }
    done = subprocess.run(["sha256sum", "--check", "--quiet", release / "digests.txt"], cwd=folder, check=False)
    assert done.returncode == 0
    assert changed(folder, NAME) == []


def test_records_that_come_later_leave_a_release_as_it_is(folder: Path) -> None:
    *_, last = sorted(folder.rglob("records/**/*.json"))
    text = last.read_text()
    last.unlink()
    freeze(folder, NAME)
    before = {path: path.read_bytes() for path in (folder / "releases").rglob("*.*") if path.is_file()}
    last.write_text(text)
    leaderboard.write_leaderboard(folder, folder)
    assert {path: path.read_bytes() for path in (folder / "releases").rglob("*.*") if path.is_file()} == before
    assert main(["release", NAME, "--results", str(folder), "--check"]) == 0


def test_what_changed_since_is_found(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    freeze(folder, NAME)
    first, second, *_ = sorted(folder.rglob("records/**/*.json"))
    first.unlink()
    second.write_text("{}")
    (folder / "releases" / NAME / "leaderboard.md").write_text("better numbers")
    assert main(["release", NAME, "--results", str(folder), "--check"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"releases/{NAME}/leaderboard.md: missing or changed",
        f"{first.relative_to(folder).as_posix()}: missing or changed",
        f"{second.relative_to(folder).as_posix()}: missing or changed",
    ]


def test_what_the_list_does_not_name_is_found(folder: Path) -> None:
    freeze(folder, NAME)
    listing = folder / "releases" / NAME / "digests.txt"
    (listing.parent / "more.csv").touch()
    assert changed(folder, NAME) == [f"releases/{NAME}/more.csv: not listed in digests.txt"]
    listing.write_text("")
    names = {path.name for path in listing.parent.iterdir()} - {listing.name}
    assert changed(folder, NAME) == [f"releases/{NAME}/{name}: not listed in digests.txt" for name in sorted(names)]


@pytest.mark.parametrize("name", ["2026.12", "results-2026.13", "../results-2026.12", "results-2026.12.x"])
def test_other_names_are_refused(folder: Path, name: str) -> None:
    with pytest.raises(RequestError, match="use results-YYYY"):
        freeze(folder, name)
    assert not (folder / "releases").exists()


def test_a_name_is_taken_once(folder: Path) -> None:
    freeze(folder, NAME)
    with pytest.raises(RequestError, match=r"exists, and releases do not change; choose another name, e.g. .*\.12\.1"):
        freeze(folder, NAME)
    freeze(folder, f"{NAME}.1")
    for name in (NAME, f"{NAME}.1"):
        with pytest.raises(RequestError, match=r"choose another name, e.g. results-2026\.12\.2$"):
            freeze(folder, name)
    freeze(folder, f"{NAME}.2")


def test_a_release_that_was_cut_off_is_completed_without_what_others_are_writing(folder: Path) -> None:
    first, *_ = sorted(folder.rglob("records/**/*.json"))
    writing = first.with_name(f".{first.name}.x.part") / first.name
    writing.parent.mkdir()
    shutil.copy(first, writing)
    release = folder / "releases" / NAME
    release.mkdir(parents=True)
    (release / "leaderboard.md").write_text("half")
    freeze(folder, NAME)
    shutil.rmtree(writing.parent)
    assert changed(folder, NAME) == []


def test_no_such_release(folder: Path) -> None:
    with pytest.raises(RequestError, match="there is no release"):
        changed(folder, "results-2020.01")


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph:DeprecationWarning")
def test_the_metadata_describe_every_column(folder: Path) -> None:
    mlcroissant = pytest.importorskip("mlcroissant")
    freeze(folder, NAME)
    path = folder / "releases" / NAME / "croissant.json"
    read = mlcroissant.Dataset(path)
    assert (read.metadata.ctx.issues.errors, read.metadata.ctx.issues.warnings) == (set(), set())
    assert read.metadata.version == "2026.12.0"
    scores = list(read.records("scores"))
    assert {row["scores/method"] for row in scores} >= {b"clean", b"em-fu22"}
    assert 0 < max(row["scores/mean"] for row in scores if row["scores/mean"] is not None) <= 100


def test_committed_releases_are_what_they_were() -> None:
    listings = sorted((ROOT / "results/releases").glob("*/digests.txt"))
    if not listings:
        pytest.skip("nothing has been released yet")
    for listing in listings:
        assert changed(ROOT / "results", listing.parent.name) == []
        assert json.loads((listing.parent / "croissant.json").read_text())["name"] == listing.parent.name
