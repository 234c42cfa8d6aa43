"""Records as 0.1 wrote them are read, found and rewritten as cells of the current schema."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attacks.engine.noise import Provenance, save_noise
from attacks.methods import METHODS
from bench.config.load import load_grid, load_protocol
from bench.config.models import NoiseCell, Protocol, VictimCell, digest_of
from bench.data import Places
from bench.records.former import former
from bench.records.frame import load_records
from bench.records.noise_cache import find_noise, noise_file
from bench.records.rewrite import rewrite
from bench.records.schema import Record
from bench.records.store import Store
from bench.records.upgrades import UNKNOWN, Upgrader, former_cell
from bench.run.job import Job
from bench.run.plan import make_plan
from bench.run.todo import partition
from bench.seal import seal
from bench.validation.validate import validate

FORMER = Path(__file__).with_name("former")
NOISE = "noise/photo-patches/tap-fowl21/s1-b29408e8.json"
VICTIM = "records/photo-patches/tap-fowl21/resnet18-w8/r2-s1-4031b51e.json"
ASKED = ("methods=tap-fowl21", "victims=resnet18-w8", "radii=[2]", "seeds=[1]")


@pytest.fixture(autouse=True)
def former_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo the correction of their method that came after these records."""
    monkeypatch.setitem(METHODS, "tap-fowl21", replace(METHODS["tap-fowl21"], version=1))


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return shutil.copytree(FORMER, tmp_path / "results")


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Job]:
    """The jobs of a noise and its victim that are among the records."""
    return iter(make_plan(*load_grid("smoke", ASKED), Places(data=tmp_path, cache=tmp_path / "cache")).jobs)


def contents(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.json")}


def foreign(root: Path) -> Path:
    """Assign the records to a protocol that is not shipped but has the same numbers."""
    names: dict[str, str] = {}
    for path in [*sorted((root / "noise").rglob("*.json")), *sorted((root / "records").rglob("*.json"))]:
        data = json.loads(path.read_text())
        cell = data["cell"]
        before = former_cell(data).key
        cell["protocol"] = f"my-{cell['protocol']}"
        cell["inputs"] |= {"noise": names[cell["inputs"]["noise"]]} if "noise" in cell["inputs"] else {}
        names[before] = key = former_cell(data).key
        path.unlink()
        path.with_name(f"{path.stem[:-8]}{key[:8]}.json").write_bytes(
            seal(data) if data["schema_version"] == 2 else json.dumps(data).encode()
        )
    return root


def own(name: str) -> Protocol:
    return load_protocol(name).model_copy(update={"name": f"my-{name}", "stream": None})


def test_older_records_are_right_and_stay_as_they_are(results: Path) -> None:
    found = validate(results)
    assert [str(finding) for finding in found.findings if not finding.warning] == []
    assert len(found.subjects) == 8
    frame = load_records(results)
    assert len(frame) == 4
    assert frame["generation_status"].tolist() == ["ok"] * 4  # each has its noise
    assert contents(results) == contents(FORMER)


def test_they_are_the_cells_that_are_planned_now(results: Path, jobs: Iterator[Job]) -> None:
    todo = partition(jobs, Store(results))
    assert [len(part) for part in (todo.done, todo.missing, todo.along, todo.blocked)] == [2, 0, 0, 0]
    digest = json.loads((FORMER / NOISE).read_text())["digests"]["noise"]
    assert {record.digests["noise"] for record in todo.records.values()} == {digest}


def test_a_failure_gives_way_with_its_file(results: Path, jobs: Iterator[Job]) -> None:
    *_, job = jobs
    store = Store(results)
    record = store.read(job.cell)
    assert record
    data = json.loads((results / VICTIM).read_text())
    failed = {"status": "failed", "error": "boom", "metrics": None, "curve": []}
    (results / VICTIM).write_bytes(seal(data | failed))
    store.write(record)
    assert not (results / VICTIM).exists()
    assert store.path(job.cell).exists()
    assert Store(results).read(job.cell) == record


def test_a_seal_is_checked_before_the_upgrade(results: Path) -> None:
    text = (results / VICTIM).read_bytes()
    (results / VICTIM).write_bytes(text.replace(b'"seconds": ', b'"seconds": 4', 1))
    assert any("was edited after" in str(finding) for finding in validate(results).findings)


def test_rewriting_moves_them_and_touches_no_measured_number(results: Path) -> None:
    before = {measured(record) for record in Store(results).all()}
    keys = {record.cell.key for record in Store(results).all()}
    assert rewrite(results) == (8, 0)
    assert {measured(record) for record in Store(results).all()} == before
    assert {record.cell.key for record in Store(results).all()} == keys
    found = validate(results)
    assert found.problems == 0
    assert len(found.subjects) == 8
    assert {json.loads(text)["schema_version"] for text in contents(results).values()} == {3}
    assert not set(contents(results)) & set(contents(FORMER))
    assert rewrite(results) == (0, 0)


def measured(record: Record) -> str:
    return record.model_dump_json(exclude={"cell"})


def test_a_claim_of_trust_goes_with_its_record(results: Path) -> None:
    digest = hashlib.sha256((results / VICTIM).read_bytes()).hexdigest()
    claim = '[[attestation]]\ntier = "re-run"\nby = "A"\ndate = 2026-02-01\nhow = "again"\n'
    (results / "trust.toml").write_text(f'{claim}records = """\n{digest}  {VICTIM}\n"""\n')
    assert load_records(results)["trust"].tolist().count("re-run") == 1
    rewrite(results)
    assert load_records(results)["trust"].tolist().count("re-run") == 1
    assert validate(results).problems == 0


def test_a_protocol_that_is_not_known_is_shown_and_waits_for_it(results: Path) -> None:
    foreign(results)
    records = list(Store(results).all())
    assert len(records) == 8
    reading = [record for record in records if UNKNOWN in record.cell.numbers]
    assert len(reading) == 8
    frame = load_records(results)
    assert frame["generation_status"].tolist() == ["ok"] * 4
    assert set(frame.loc[frame["older"], "method"]) == {"sem-liu24"}  # corrected since
    before = contents(results)
    assert rewrite(results) == (0, 8)
    assert contents(results) == before
    given = own("smoke-v1"), own("lite-v1")
    assert not any(UNKNOWN in record.cell.numbers for record in Store(results, given).all())
    assert rewrite(results, given) == (8, 0)
    assert len(load_records(results)["key"].unique()) == 4


def test_run_finds_the_records_of_a_protocol_of_ones_own(results: Path, tmp_path: Path) -> None:
    foreign(results)
    grid, _ = load_grid("smoke", ASKED)
    protocol = own("smoke-v1")
    plan = make_plan(grid, protocol, Places(data=tmp_path, cache=tmp_path / "cache"))
    assert len(partition(plan.jobs, Store(results)).missing) == 2
    assert len(partition(plan.jobs, Store(results, (protocol,))).done) == 2
    assert plan.jobs[0].protocols[0].salt == protocol.salt


def test_a_noise_that_an_older_version_left_in_the_cache_is_found(jobs: Iterator[Job], tmp_path: Path) -> None:
    noise, *_ = jobs
    assert isinstance(noise.cell, NoiseCell)
    places = Places(data=tmp_path, cache=tmp_path / "cache")
    place = noise_file(places, noise.cell)
    assert find_noise(places, noise.cell) == place
    for name, file in (("s1-0000000000000000", NOISE), ("s1-1111111111111111", "damaged")):
        path = place.with_name(f"{name}.safetensors")
        path.parent.mkdir(parents=True, exist_ok=True)
        if file == "damaged":
            path.write_bytes(b"half of")
            continue
        origin: dict[str, Any] = json.loads((FORMER / file).read_text())
        del origin["sha256"]
        provenance = Provenance(name="tap", dataset="photo-patches", dataset_digest="0" * 64, origin=origin)
        save_noise(path, np.zeros((2, 1, 2, 2), dtype=np.int8), provenance)
    assert find_noise(places, noise.cell) == place.with_name("s1-0000000000000000.safetensors")
    assert find_noise(places, noise.cell.model_copy(update={"seed": 2})).name.startswith("s2-")


def test_the_numbers_of_0_1_are_what_they_were() -> None:
    """A number that is added, or left unset, changes no digest in a record of 0.1."""
    setup = load_protocol("smoke-v1").setup
    assert set(former(setup)) == {"precision", "stem", "init", "mean", "std", "augment", "noise", "victim"}
    assert former(setup)["augment"] == {"kind": "shift", "padding": 4, "size": None, "flip": True}


def test_a_victim_knows_what_its_noise_was_made_with(results: Path) -> None:
    store = Store(results)
    noises = {record.cell.key: record.cell for record in store.all() if isinstance(record.cell, NoiseCell)}
    for record in store.all():
        if isinstance(record.cell, VictimCell):
            noise = noises[record.cell.inputs["noise"]]
            assert record.cell.inputs.items() >= noise.inputs.items()
            assert record.cell.inputs["recipe"] == "supervised/1"


def test_a_number_that_came_later_is_not_claimed_for_an_older_record() -> None:
    """0.1 had no `mean` for the original EM's surrogate, so none of its noises was made with one."""
    setup = load_protocol("smoke-v1").setup
    alternating = setup.noise.alternating.model_copy(update={"mean": 0.0})
    later = setup.model_copy(update={"noise": setup.noise.model_copy(update={"alternating": alternating})})
    digest = digest_of({name: table for name, table in former(later).items() if name != "victim"})
    inputs = {"dataset": "d", "engine": "1/1", "method": "em-huang21/1", "setup": digest}
    cell = {"kind": "noise", "dataset": "set", "method": "em-huang21", "seed": 0, "protocol": "mine", "inputs": inputs}
    known = Upgrader((Protocol(name="mine", title="", setup=later),))
    data = known.upgrade({"schema_version": 2, "precision": "bf16", "cell": cell})
    assert data["cell"]["numbers"]["noise.alternating"] == setup.noise.alternating.numbers()
    assert "mean" in later.noise.alternating.numbers()
