from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
import pytest

from attacks.core.cost import Passes
from attacks.core.errors import RequestError
from attacks.methods.em_fu22 import EM_FU22
from bench.records.frame import load_curves, load_records
from bench.records.schema import Cost, NoiseRecord, VictimRecord
from bench.records.store import Store

R = TypeVar("R", NoiseRecord, VictimRecord)


def changed(record: R, fields: dict[str, Any]) -> R:
    """Return a copy of a record with some fields of its cell changed."""
    return record.model_copy(update={"cell": record.cell.model_copy(update=fields)})


def test_a_row_joins_the_victim_and_its_noise(store: Store, noise: NoiseRecord, victim: VictimRecord) -> None:
    store.write(noise)
    store.write(victim)
    (row,) = load_records(store.root).to_dict("records")
    assert row["key"] == victim.cell.key
    assert (row["method"], row["victim"], row["rho_a"], row["seed"]) == ("em-fu22", "resnet18-w16", 4.0, 1)
    assert (row["accuracy_final"], row["accuracy_robust"]) == (40.0, 20.0)
    assert pd.isna(row["accuracy_train"])
    assert (row["train_seconds"], row["train_passes"], row["evaluation_seconds"]) == (60.0, 4400.0, 3.0)
    assert (row["generation_seconds"], row["generation_passes"]) == (12.5, 1000.0)
    assert (row["generation_device"], row["generation_peak_memory"]) == ("Synthetic GPU", 2**30)
    assert (row["noise_linf"], row["noise_l2"]) == (8.0, 300.0)
    assert (row["noise_bound"], row["noise_bounded"], row["generation_status"]) == ("L-inf rho_u", True, "ok")
    assert (row["countermeasure"], row["share"], row["part"]) == ("standard", 100, "all")
    assert (row["error"], row["commit"], row["precision"]) == (None, "abc", "bf16")
    assert (row["training"], row["method_version"], row["engine_version"], row["older"]) == (
        "supervised",
        str(EM_FU22.version),
        "1",
        False,
    )


def test_processors_of_one_name_and_threads_are_told_apart(
    store: Store, noise: NoiseRecord, victim: VictimRecord
) -> None:
    place = {"driver": None, "processor": "family 6, model 143", "threads": 2}
    store.write(noise.model_copy(update={"environment": noise.environment.model_copy(update=place)}))
    store.write(victim.model_copy(update={"environment": victim.environment.model_copy(update=place | {"threads": 1})}))
    (row,) = load_records(store.root).to_dict("records")
    assert row["generation_device"] == "Synthetic GPU (family 6, model 143), 2 threads"
    assert row["device"] == "Synthetic GPU (family 6, model 143)"


def test_a_preparation_has_a_price_too(store: Store, noise: NoiseRecord, victim: VictimRecord) -> None:
    store.write(noise)
    store.write(victim)
    (row,) = load_records(store.root).to_dict("records")
    assert pd.isna(row["preparation_seconds"])
    cost = Cost(seconds=7.5, passes=Passes(train=300, attack=20, forward=9))
    learnt = changed(victim, {"seed": 2}).model_copy(update={"costs": {**victim.costs, "preparation": cost}})
    store.write(learnt)
    row = load_records(store.root).set_index("seed").loc[2]
    assert (row["preparation_seconds"], row["preparation_passes"]) == (7.5, 320.0)


def test_a_noise_of_unknown_cost_that_may_leave_the_radius(
    store: Store, noise: NoiseRecord, victim: VictimRecord
) -> None:
    store.write(noise.model_copy(update={"costs": {}, "bounded": False, "status": "budget_exhausted"}))
    axes = {"countermeasure": "cutout", "share": 20, "part": "unprotected"}
    store.write(changed(victim, axes))
    (row,) = load_records(store.root).to_dict("records")
    assert (row["noise_bounded"], row["generation_status"]) == (False, "budget_exhausted")
    assert pd.isna(row["generation_seconds"])
    assert pd.isna(row["generation_passes"])
    assert {name: row[name] for name in axes} == axes
    assert {name: load_curves(store.root).iloc[0][name] for name in axes} == axes


@pytest.mark.parametrize("fields", [{"seed": 2}, {"numbers": {}}, {"inputs": {"dataset": "other"}}])
def test_another_noise_is_not_joined(
    store: Store, noise: NoiseRecord, victim: VictimRecord, fields: dict[str, Any]
) -> None:
    store.write(changed(noise, fields))
    store.write(victim)
    frame = load_records(store.root)
    assert frame[["generation_seconds", "generation_status", "noise_bound", "noise_bounded"]].isna().all(axis=None)


def test_a_noise_with_other_bytes_is_not_joined(store: Store, noise: NoiseRecord, victim: VictimRecord) -> None:
    store.write(noise.model_copy(update={"digests": {"noise": "other"}}))
    store.write(victim)
    assert load_records(store.root)["generation_seconds"].isna().all()


def test_a_failed_victim_keeps_its_reason_and_its_noise(store: Store, noise: NoiseRecord, victim: VictimRecord) -> None:
    store.write(noise)
    failed: dict[str, object] = {
        "status": "failed",
        "error": "out of memory",
        "metrics": None,
        "curve": (),
        "costs": {},
        "digests": {},
    }
    store.write(victim.model_copy(update=failed))
    (row,) = load_records(store.root).to_dict("records")
    assert (row["status"], row["error"], row["generation_seconds"]) == ("failed", "out of memory", 12.5)
    assert pd.isna(row["accuracy_final"])
    assert row["dataset_digest"] == noise.digests["dataset"]
    assert load_curves(store.root).empty


@pytest.mark.parametrize("changes", [{"method": "em-fu22/99"}, {"network": "resnet18-w16/2"}])
def test_a_record_that_a_newer_one_replaces_is_left_out_unless_asked_for(
    store: Store, victim: VictimRecord, changes: dict[str, str]
) -> None:
    """So is another seed of the older version: a mean over seeds would mix the two."""
    newer = changed(victim, {"inputs": victim.cell.inputs | changes})
    other = changed(victim, {"seed": 2})
    for record in (victim, other, newer):
        store.write(record)
    assert load_records(store.root)["key"].tolist() == [newer.cell.key]
    found = load_records(store.root, superseded=True)
    assert dict(zip(found["key"], found["older"], strict=True)) == {
        victim.cell.key: True,
        other.cell.key: True,
        newer.cell.key: False,
    }


@pytest.mark.parametrize(
    "changes",
    [{"method": "em-fu22/1"}, {"engine": "0"}, {"recipe": "supervised/0"}, {"countermeasure": "standard/0"}],
)
def test_a_record_from_before_a_correction_is_older_even_alone(
    store: Store, victim: VictimRecord, changes: dict[str, str]
) -> None:
    store.write(changed(victim, {"inputs": victim.cell.inputs | changes}))
    assert load_records(store.root)["older"].tolist() == [True]
    gone = changed(victim, {"method": "gone", "inputs": victim.cell.inputs | {"method": "gone/1"}})
    store.write(gone)  # such as that of a package which is not installed
    frame = load_records(store.root)
    assert not frame.loc[frame["key"] == gone.cell.key, "older"].any()


def test_noises_of_one_name_for_two_datasets_are_not_of_two_versions(store: Store, victim: VictimRecord) -> None:
    for dataset in ("synthetic", "another"):
        inputs = victim.cell.inputs | {"method": f"mine/{dataset * 3:.16}"}  # the digest of the file
        store.write(changed(victim, {"dataset": dataset, "method": "mine", "inputs": inputs}))
    assert load_records(store.root)["older"].tolist() == [False, False]


def test_a_newer_network_makes_only_its_own_records_older(store: Store, victim: VictimRecord) -> None:
    other = changed(victim, {"victim": "vgg16"})
    newer = changed(victim, {"seed": 7, "inputs": victim.cell.inputs | {"network": "resnet18-w16/2"}})
    for record in (victim, other, newer):
        store.write(record)
    frame = load_records(store.root, superseded=True)
    assert dict(zip(frame["key"], frame["older"], strict=True)) == {
        victim.cell.key: True,
        other.cell.key: False,
        newer.cell.key: False,
    }


def test_rows_are_sorted_whatever_order_they_were_written_in(store: Store, victim: VictimRecord) -> None:
    cells = [(method, seed) for method in ("sem-liu24", "clean") for seed in (10, 2)]
    for method, seed in cells:
        store.write(changed(victim, {"method": method, "seed": seed}))
    frame = load_records(store.root)
    assert list(zip(frame["method"], frame["seed"], strict=True)) == sorted(cells)


def test_numbers_are_those_of_the_victim_and_of_its_noise(
    store: Store, noise: NoiseRecord, victim: VictimRecord
) -> None:
    for seed, numbers in ((1, {}), (2, {}), (3, {"rho_u": 9})):
        made = changed(noise, {"seed": seed, "numbers": {"noise": noise.cell.numbers["noise"] | numbers}})
        store.write(made)
        store.write(changed(victim, {"seed": seed, "inputs": victim.cell.inputs | {"noise": made.cell.key}}))
    first, second, third = load_records(store.root)["numbers"]
    assert first == second != third


def test_a_missing_noise_makes_no_other_record_older(store: Store, noise: NoiseRecord, victim: VictimRecord) -> None:
    store.write(noise)
    store.write(victim)
    other = changed(victim, {"seed": 2, "inputs": victim.cell.inputs | {"noise": "gone"}})
    store.write(other.model_copy(update={"finished": "2099-01-01T00:00:00+00:00"}))
    frame = load_records(store.root)
    assert frame["older"].tolist() == [False, False]


def test_curves_are_one_row_per_evaluation(store: Store, victim: VictimRecord) -> None:
    store.write(victim)
    curves = load_curves(store.root)
    assert curves["step"].tolist() == [10, 20]
    assert curves["accuracy"].tolist() == [52.0, 40.0]
    assert curves["loss"].isna().tolist() == [False, True]
    assert set(curves["key"]) == {victim.cell.key}


def test_an_empty_folder_has_the_same_columns_and_types(store: Store, victim: VictimRecord, tmp_path: Path) -> None:
    store.write(victim)
    (tmp_path / "empty").mkdir()
    for load in (load_records, load_curves):
        assert load(tmp_path / "empty").empty
        assert load(tmp_path / "empty").dtypes.equals(load(store.root).dtypes)


def test_a_missing_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no folder of records"):
        load_records(tmp_path / "typo")
