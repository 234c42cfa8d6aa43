import contextlib
import json
import logging
import os
import resource
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attacks.core.errors import RequestError
from bench.records.schema import NoiseRecord, VictimRecord
from bench.records.store import Store
from bench.seal import seal
from bench.validation.reading import read_record

FAILED = {"status": "failed", "error": "out of memory", "metrics": None, "curve": ()}


def test_paths_name_the_cell(store: Store, noise: NoiseRecord, victim: VictimRecord) -> None:
    key = victim.cell.key[:8]
    assert store.path(victim.cell) == (store.root / f"records/synthetic/em-fu22/resnet18-w16/r4-s1-{key}.json")
    assert store.path(noise.cell) == store.root / f"noise/synthetic/em-fu22/s1-{noise.cell.key[:8]}.json"


def test_round_trip(store: Store, noise: NoiseRecord, victim: VictimRecord) -> None:
    for record in (noise, victim):
        assert store.read(record.cell) is None
        assert store.write(record) == record
        assert store.read(record.cell) == record
        text = store.path(record.cell).read_text()
        assert text == json.dumps(json.loads(text), sort_keys=True, indent=2) + "\n"
    assert list(store.all()) == [noise, victim]


def test_a_record_is_kept_unless_it_failed(store: Store, victim: VictimRecord) -> None:
    failed = victim.model_copy(update=FAILED)
    other = victim.model_copy(update={"by": "someone else"})
    assert [store.write(record) for record in (failed, victim, other, failed)] == [failed, victim, victim, victim]
    assert store.read(victim.cell) == victim


def test_a_loss_that_is_not_finite_becomes_null(store: Store, victim: VictimRecord) -> None:
    point = victim.curve[0].model_copy(update={"loss": float("inf")})
    store.write(victim.model_copy(update={"curve": (point,)}))
    read = store.read(victim.cell)
    assert isinstance(read, VictimRecord)
    assert read.curve[0].loss is None


def test_a_reason_that_names_a_file_whose_name_is_no_text_is_recorded(store: Store, victim: VictimRecord) -> None:
    data = victim.model_dump() | FAILED | {"error": "cannot read caf\udce9", "notes": ("caf\udce9",)}
    store.write(VictimRecord.model_validate(data))
    read = store.read(victim.cell)
    assert read
    assert (read.error, read.notes) == ("cannot read caf\\udce9", ("caf\\udce9",))


def readable_depth() -> int:
    """Return how deeply a text may be nested for JSON to be read here: less where the stack is deeper."""
    for depth in range(1000, 0, -1):
        with contextlib.suppress(RecursionError):
            json.loads("[" * depth + "]" * depth)
            return depth
    return 0


def test_what_is_nested_too_deeply_is_skipped(
    store: Store, victim: VictimRecord, caplog: pytest.LogCaptureFixture
) -> None:
    """At some depths it can be read, but not sealed again."""
    path, deepest = store.path(victim.cell), readable_depth()
    path.parent.mkdir(parents=True)
    for depth in range(deepest - 16, deepest + 1):
        path.write_bytes(b'{"schema_version": 3, "sha256": "", "a": ' + b"[" * depth + b"]" * depth + b"}")
        assert list(store.all()) == []
        with pytest.raises(ValueError, match=r"nested|was edited"):
            read_record(path, store)
    assert len(caplog.messages) == 17
    assert all(line.startswith(f"skipped {path}: ") for line in caplog.messages)


@pytest.mark.parametrize("damage", [b"", b"[]", b'{"cell": 3, "schema_version": 1}', b"\xff\xfe", b"[" * 100_000, None])
def test_a_damaged_file_counts_as_none_and_is_set_aside_by_what_replaces_it(
    store: Store, victim: VictimRecord, caplog: pytest.LogCaptureFixture, damage: bytes | None
) -> None:
    store.write(victim)
    path = store.path(victim.cell)
    damage = path.read_bytes()[:-200] if damage is None else damage
    for _ in range(2):
        path.write_bytes(damage)
        assert store.read(victim.cell) is Store(store.root).read(victim.cell) is None
        assert path.read_bytes() == damage
        store.write(victim)
        assert store.read(victim.cell) == victim
    kept = sorted(path.parent.glob("*.corrupt"))
    assert [file.read_bytes() for file in kept] == [damage, damage]
    told = [line.rpartition("; ")[2] for line in caplog.messages if line.startswith(f"{path} is damaged (")]
    assert sorted(told) == ["its cell counts as not yet run", *(f"kept as {file.name}" for file in kept)]


def test_the_record_of_another_cell_is_set_aside(store: Store, victim: VictimRecord) -> None:
    other = victim.model_copy(update={"cell": victim.cell.model_copy(update={"seed": 2})})
    store.write(other)
    store.path(other.cell).rename(store.path(victim.cell))
    assert store.read(victim.cell) is None
    store.write(victim)
    (aside,) = store.root.rglob("*.corrupt")
    assert json.loads(aside.read_bytes())["cell"]["seed"] == 2


def test_all_skips_what_it_cannot_read_and_copies(
    store: Store, noise: NoiseRecord, victim: VictimRecord, caplog: pytest.LogCaptureFixture
) -> None:
    store.write(noise)
    store.write(victim)
    path = store.path(victim.cell)
    path.with_name("copy.json").write_bytes(path.read_bytes())
    path.with_name("bad.json").write_text("{")
    os.mkfifo(path.with_name("pipe.json"))  # reading it would block
    with caplog.at_level(logging.WARNING):
        assert list(store.all()) == [noise, victim]
    assert [record.message.split(":")[0] for record in caplog.records] == [
        f"skipped {path.with_name(name)}" for name in ("bad.json", "copy.json", "pipe.json")
    ]
    assert path.with_name("bad.json").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"peak_memory": 10**400},
        {"costs": {"training": {"seconds": 1.0, "passes": {"train": 10**400}}}},
        {"costs": {"training": {"seconds": 10**400, "passes": {}}}},
        {"curve": [{"step": 10**30, "accuracy": 1.0, "loss": 1.0}]},
        {"\x1b[2J": 1},
    ],
)
def test_what_others_wrote_does_no_harm(store: Store, victim: VictimRecord, change: dict[str, Any]) -> None:
    store.path(victim.cell).parent.mkdir(parents=True)
    store.path(victim.cell).write_bytes(seal(json.loads(victim.model_dump_json()) | change))
    with pytest.raises(RequestError) as caught:
        list(store.all())
    assert str(caught.value).startswith(f"{store.path(victim.cell)}: written by other code")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"energy": 3}, "energy unknown here"),
        ({"environment": {"eager": "why", "room": 1}}, "environment.room unknown here"),
        ({"status": "paused"}, "status refused here: Input should be 'ok', 'failed' or 'budget_exhausted'"),
    ],
)
def test_a_record_of_other_code_is_refused_and_kept(
    store: Store, victim: VictimRecord, change: dict[str, Any], what: str
) -> None:
    store.write(victim)
    path = store.path(victim.cell)
    data = json.loads(path.read_text())
    more = {name: data[name] | value if isinstance(value, dict) else value for name, value in change.items()}
    path.write_bytes(whole := seal(data | more))
    said = f"{path}: written by other code with the same schema ({what}); update this checkout"
    for read in (lambda: store.read(victim.cell), lambda: list(store.all()), lambda: store.write(victim)):
        with pytest.raises(RequestError) as caught:
            read()
        assert str(caught.value) == said
    assert [file.read_bytes() for file in path.parent.iterdir()] == [whole]
    path.write_bytes(whole.replace(b"Synthetic GPU", b"Synthetic CPU"))  # not what was sealed: damaged
    assert store.read(victim.cell) is None
    store.write(victim)
    assert store.read(victim.cell) == victim


def test_a_pipe_beside_a_cells_place_is_not_read(store: Store, victim: VictimRecord) -> None:
    path = store.path(victim.cell)
    path.parent.mkdir(parents=True)
    os.mkfifo(path.with_name("r4-s1-00000000.json"))  # reading it would block
    assert store.read(victim.cell) is None


def test_a_folder_is_listed_once_for_all_cells_that_have_no_record(
    store: Store, victim: VictimRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the time of a plan would grow with the square of its number of cells."""
    store.write(victim)
    listed, real = list[Path](), os.listdir

    def listing(folder: Path) -> list[str]:
        listed.append(folder)
        return real(folder)

    monkeypatch.setattr(os, "listdir", listing)
    cells = [victim.cell.model_copy(update={"seed": seed}) for seed in range(2, 30)]
    assert [store.read(cell) for cell in cells] == [None] * len(cells)
    assert listed == [store.path(victim.cell).parent]
    store.write(victim.model_copy(update={"cell": cells[0]}))
    found = store.read(cells[0])
    assert found is not None
    assert found.cell == cells[0]


def test_a_newer_record_is_refused_and_kept(store: Store, victim: VictimRecord) -> None:
    store.write(victim)
    path = store.path(victim.cell)
    path.write_bytes(seal(json.loads(path.read_text()) | {"schema_version": 99}))
    for read in (lambda: store.read(victim.cell), lambda: list(store.all())):
        with pytest.raises(RequestError, match=r"newer version .* upgrade unlearnable-bench"):
            read()
    assert path.exists()


def test_a_crash_before_the_rename_leaves_the_old_file(
    store: Store, victim: VictimRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write(victim.model_copy(update=FAILED))
    path = store.path(victim.cell)
    before = path.read_bytes()

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        store.write(victim)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_full_disk_is_one_line_and_leaves_the_old_file(store: Store, victim: VictimRecord) -> None:
    store.write(victim.model_copy(update=FAILED))
    path = store.path(victim.cell)
    before = path.read_bytes()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limit[1]))
    try:
        with pytest.raises(RequestError, match="cannot write") as caught:
            store.write(victim)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path, victim: VictimRecord) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RequestError, match="cannot write"):
        Store(tmp_path / "file").write(victim)


def test_every_changed_byte_of_a_record_is_found(store: Store, victim: VictimRecord) -> None:
    store.write(victim)
    path, random = store.path(victim.cell), np.random.default_rng(0)
    whole = path.read_bytes()
    for _ in range(300):
        place, flip = random.integers(len(whole)), random.integers(1, 256)
        path.write_bytes(whole[:place] + bytes([whole[place] ^ flip]) + whole[place + 1 :])
        assert store.read(victim.cell) is None
