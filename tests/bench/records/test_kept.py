"""Caching what was read of records between runs changes nothing but the time."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bench.records import frame, kept
from bench.records.frame import load_records
from bench.records.schema import NoiseRecord, VictimRecord
from bench.records.store import Store


class Seeds:
    """A reader that takes one number of each record."""

    def __init__(self) -> None:
        self.noted: dict[str, int] = {}

    def take(self, victim: VictimRecord) -> dict[str, Any]:
        return {"seed": victim.cell.seed}

    def note(self, name: str, taken: dict[str, Any]) -> None:
        self.noted[name] = taken["seed"]


@pytest.fixture
def full(store: Store, noise: NoiseRecord, victim: VictimRecord, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store of a noise and victims at three seeds; files count as settled at once, and few suffice for the cache."""
    monkeypatch.setattr(kept, "SETTLED", -1)
    monkeypatch.setattr(kept, "FEWEST", 1)
    store.write(noise)
    for seed in (1, 2, 3):
        store.write(victim.model_copy(update={"cell": victim.cell.model_copy(update={"seed": seed})}))
    return store


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are read from now on."""
    names, real = list[str](), Store.open

    def watched(self: Store, path: Path) -> Any:
        names.append(path.name)
        return real(self, path)

    monkeypatch.setattr(Store, "open", watched)
    return names


def same(store: Store, cache: Path) -> pd.DataFrame:
    """Read with the cache, check that the result is the same without it, and return it."""
    plain, quick = Seeds(), Seeds()
    found = load_records(store.root, quick, cache)
    pd.testing.assert_frame_equal(found, load_records(store.root, plain))
    assert quick.noted == plain.noted
    return found


def test_only_files_that_changed_are_read_again(
    full: Store, noise: NoiseRecord, victim: VictimRecord, tmp_path: Path, opened: list[str]
) -> None:
    cache = tmp_path / "cache"
    load_records(full.root, Seeds(), cache)
    assert len(opened) == 4
    opened.clear()
    load_records(full.root, Seeds(), cache)
    assert opened == []
    new = victim.model_copy(update={"cell": victim.cell.model_copy(update={"seed": 4})})
    full.write(new)
    opened.clear()
    load_records(full.root, Seeds(), cache)
    assert opened == [full.path(new.cell).name, full.path(noise.cell).name]
    assert len(same(full, cache)) == 4
    assert {path.name for path in full.root.iterdir()} == {"noise", "records"}


@pytest.mark.parametrize(
    "change",
    [
        lambda store, noise, _: store.path(noise.cell).unlink(),
        lambda store, _, victim: store.path(victim.cell).unlink(),
        lambda store, _, victim: store.path(victim.cell).write_text("{"),
        lambda store, noise, _: _rewritten(store, noise, {"peak_memory": 5}),
        lambda store, noise, _: _rewritten(store, noise, {"digests": {"noise": "f" * 64}}),
        lambda store, _, victim: _rewritten(store, victim, {"finished": "2027-01-01T00:00:00Z"}),
        lambda store, _, victim: store.path(victim.cell).rename(store.path(victim.cell).with_name("copy.json")),
        lambda store, noise, _: (store.root / "trust.toml").write_text(_attested(store, noise)),
    ],
    ids=[
        "noise gone",
        "victim gone",
        "damaged",
        "noise other",
        "noise of other bytes",
        "victim other",
        "moved",
        "trust",
    ],
)
def test_a_change_of_the_folder_shows(
    full: Store, noise: NoiseRecord, victim: VictimRecord, tmp_path: Path, change: Callable[..., Any]
) -> None:
    before = same(full, tmp_path / "cache")
    change(full, noise, victim)
    after = same(full, tmp_path / "cache")
    assert not before.equals(after)
    pd.testing.assert_frame_equal(after, same(full, tmp_path / "cache"))


def _rewritten(store: Store, record: NoiseRecord | VictimRecord, fields: dict[str, Any]) -> None:
    store.path(record.cell).unlink()
    store.write(record.model_copy(update=fields))


def _attested(store: Store, noise: NoiseRecord) -> str:
    path = next((store.root / "records").rglob("*.json"))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    line = f"{digest}  {path.relative_to(store.root).as_posix()}"
    return f'[[attestation]]\ntier = "re-run"\nby = "{noise.by}"\ndate = 2026-12-24\nhow = "here"\nrecords = "{line}"\n'


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-9]),
        lambda path: path.write_bytes(path.read_bytes().replace(b"resnet18-w16", b"resnet18-w17")),
        lambda path: path.write_bytes(b"\xff" + path.read_bytes()),
    ],
    ids=["empty", "cut off", "edited", "binary"],
)
def test_a_damaged_cache_is_no_cache(
    full: Store, tmp_path: Path, opened: list[str], damage: Callable[[Path], Any]
) -> None:
    same(full, tmp_path / "cache")
    (path,) = (tmp_path / "cache" / "records").iterdir()
    damage(path)
    opened.clear()
    load_records(full.root, Seeds(), tmp_path / "cache")
    assert len(opened) == 4
    opened.clear()
    load_records(full.root, Seeds(), tmp_path / "cache")
    assert opened == []


def test_other_code_reads_all_files_anew(
    full: Store, tmp_path: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    load_records(full.root, Seeds(), tmp_path / "cache")
    monkeypatch.setattr(kept, "_CODE", "of tomorrow")
    opened.clear()
    same(full, tmp_path / "cache")
    assert len(opened) == 8  # both with the cache and without


def test_a_cache_that_cannot_be_written_is_no_cache(full: Store, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    same(full, tmp_path / "cache")
    same(full, tmp_path / "cache")


def test_a_file_written_just_now_is_read_again(
    full: Store, tmp_path: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "SETTLED", 3600 * 10**9)  # it may change again without a new time stamp
    for _ in range(2):
        opened.clear()
        load_records(full.root, Seeds(), tmp_path / "cache")
        assert len(opened) == 4


def test_a_row_is_not_kept_with_a_noise_written_just_now(
    full: Store, noise: NoiseRecord, tmp_path: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is a row that was made without a noise reused once the noise is back."""
    full.path(noise.cell).unlink()
    same(full, tmp_path / "cache")
    full.write(noise)
    real = kept.state_of
    monkeypatch.setattr(frame, "state_of", lambda path: None if "noise" in path.parts else real(path))
    same(full, tmp_path / "cache")
    opened.clear()
    load_records(full.root, Seeds(), tmp_path / "cache")
    assert len(opened) == 4


def test_a_noise_that_cannot_be_read_this_time_is_read_the_next(
    full: Store, victim: VictimRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    same(full, tmp_path / "cache")
    full.write(victim.model_copy(update={"cell": victim.cell.model_copy(update={"seed": 4})}))
    real = Store.readable
    with monkeypatch.context() as failing:
        failing.setattr(Store, "readable", lambda self, path: None if "noise" in path.parts else real(self, path))
        load_records(full.root, Seeds(), tmp_path / "cache")
    assert same(full, tmp_path / "cache")["generation_passes"].notna().all()


def test_each_reader_has_what_it_took(full: Store, tmp_path: Path) -> None:
    load_records(full.root, cache=tmp_path / "cache")
    assert len(same(full, tmp_path / "cache")) == 3


def test_of_few_files_nothing_is_kept(full: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "FEWEST", 5)  # there are four
    same(full, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_folders_and_runs_at_once_do_not_meddle(
    full: Store, noise: NoiseRecord, victim: VictimRecord, tmp_path: Path
) -> None:
    other = Store(tmp_path / "other")
    other.write(noise)
    other.write(victim)
    same(full, tmp_path / "cache")
    same(other, tmp_path / "cache")
    assert len(list((tmp_path / "cache" / "records").iterdir())) == 2
    one, two = (kept.Kept(full.root, "Seeds", tmp_path / "cache") for _ in range(2))
    two.put("records/x.json", [1, 2, 3, 4], {})
    two.save()
    one.put("records/y.json", [1, 2, 3, 4], {})
    one.save()
    same(full, tmp_path / "cache")


def test_links_that_an_editor_leaves_are_not_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bench" / "records").mkdir(parents=True)
    (tmp_path / "bench" / "code.py").touch()
    monkeypatch.setattr(kept, "__file__", str(tmp_path / "bench" / "records" / "kept.py"))
    before = kept._code()
    (tmp_path / "bench" / ".#code.py").symlink_to("somebody@somewhere.1234")
    assert kept._code() == before
