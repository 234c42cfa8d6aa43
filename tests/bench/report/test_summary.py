import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from attacks.methods.em_fu22 import EM_FU22
from bench.config.axes import place
from bench.records.frame import load_records
from bench.records.schema import NoiseRecord, VictimRecord
from bench.records.store import Store
from bench.report.generations import generations
from bench.report.summary import Score, groups, paired, scores, usual
from bench.report.text import score_text


def test_statistics_are_those_of_a_hand_calculation(tmp_path: Path, make_victim: Callable[..., VictimRecord]) -> None:
    store = Store(tmp_path)
    for seed, accuracy in enumerate((10.0, 12.0, 17.0)):
        store.write(make_victim("em-fu22", "resnet18", 0.0, seed, accuracy))
    store.write(make_victim("em-fu22", "resnet18", 4.0, 0, 80.0))
    store.write(make_victim("em-fu22", "resnet18", 4.0, 1, 0.0, status="failed", metrics=None))
    store.write(make_victim("em-fu22", "vgg16", 0.0, 0, 0.0, status="budget_exhausted"))
    three, one, none = scores(groups(load_records(tmp_path))[0].rows)
    assert (three.n, three.mean) == (3, 13.0)
    assert dict(three.seeds) == {0: 10.0, 1: 12.0, 2: 17.0}
    assert math.isclose(three.over.sd or 0, math.sqrt((9 + 1 + 16) / 2))
    assert (one.n, one.mean, one.over.sd, one.failed) == (1, 80.0, None, 1)
    assert (none.n, none.mean, none.exhausted) == (0, None, 1)


def test_a_noise_counts_once_per_seed_and_devices_stay_apart(
    tmp_path: Path, make_noise: Callable[..., NoiseRecord], make_victim: Callable[..., VictimRecord]
) -> None:
    store = Store(tmp_path)
    for seed, device in enumerate(("GPU", "GPU", "CPU")):
        noise = make_noise("em-fu22", seed, 1000 * (seed + 1))
        store.write(noise.model_copy(update={"environment": noise.environment.model_copy(update={"device": device})}))
        for victim in ("resnet18", "vgg16")[: seed + 1]:
            store.write(make_victim("em-fu22", victim, 0.0, seed, 10.0))
    (made,) = generations(groups(load_records(tmp_path))[0].rows)
    assert made.passes == 2000
    assert list(made.seconds) == ["CPU", "GPU"]
    assert made.seconds == pytest.approx({"CPU": 2.03, "GPU": (0.01 + 1.02) / 2})


@pytest.mark.parametrize(
    ("cell", "changes"),
    [
        ({"dataset": "other"}, {}),
        ({"protocol": "test-v2"}, {}),
        ({}, {"precision": "bf16"}),
        ({}, {"digests": {"dataset": "e" * 64}}),
    ],
)
def test_what_must_not_be_mixed_is_apart(
    tmp_path: Path, make_victim: Callable[..., VictimRecord], cell: dict[str, object], changes: dict[str, object]
) -> None:
    store = Store(tmp_path)
    store.write(make_victim("em-fu22", "resnet18", 0.0, 0, 10.0))
    store.write(make_victim("em-fu22", "resnet18", 0.0, 1, 90.0, cell=cell, **changes))
    found = groups(load_records(tmp_path))
    assert len({group.name for group in found}) == 2
    assert sorted(score.mean or 0 for group in found for score in scores(group.rows)) == [10.0, 90.0]


def test_names_of_groups_are_file_names_whatever_the_digests(
    tmp_path: Path, make_victim: Callable[..., VictimRecord]
) -> None:
    for seed, digest in enumerate(("../../x", "../../y", "=1\r", "d" * 64, "d" * 63 + "e")):
        record = make_victim("em-fu22", "resnet18", 0.0, seed, 10.0, digests={"dataset": digest})
        Store(tmp_path).write(record)
    frame = load_records(tmp_path)
    names = {group.digest: group.name for group in groups(frame)}
    assert len(set(names.values())) == 5
    assert all(re.fullmatch(r"synthetic-test-v1-fp32-[0-9a-f]{8}", name) for name in names.values())
    others = groups(frame[frame["dataset_digest"] != "../../y"])
    assert {group.digest: group.name for group in others}.items() < names.items()


def test_names_of_groups_are_distinct_where_their_parts_run_together(
    tmp_path: Path, make_victim: Callable[..., VictimRecord]
) -> None:
    for dataset, protocol in (("a", "b-c"), ("a-b", "c"), ("a", "b")):
        place = {"dataset": dataset, "protocol": protocol}
        Store(tmp_path).write(make_victim("em-fu22", "resnet18", 0.0, 0, 10.0, cell=place))
    found = groups(load_records(tmp_path))
    assert len({group.name for group in found}) == 3
    assert found[0].name == "a-b-fp32"
    assert [(group.dataset, group.protocol) for group in found] == [("a", "b"), ("a", "b-c"), ("a-b", "c")]


def test_a_variant_of_a_protocol_follows_its_base(tmp_path: Path, make_victim: Callable[..., VictimRecord]) -> None:
    protocols = ["lite-v1", "lite-v1+fp32", "lite-v1-b"]
    for protocol in reversed(protocols):
        Store(tmp_path).write(make_victim("em-fu22", "resnet18", 0.0, 0, 10.0, cell={"protocol": protocol}))
    assert [group.protocol for group in groups(load_records(tmp_path))] == protocols


@pytest.mark.parametrize("axes", [{"countermeasure": "cutout"}, {"share": 80}, {"share": 80, "part": "unprotected"}])
def test_no_mean_is_over_several_countermeasures_shares_or_parts(
    tmp_path: Path, make_victim: Callable[..., VictimRecord], axes: dict[str, object]
) -> None:
    store = Store(tmp_path)
    store.write(make_victim("em-fu22", "resnet18", 0.0, 0, 10.0))
    store.write(make_victim("em-fu22", "resnet18", 0.0, 0, 90.0, axes=axes))
    (group,) = groups(load_records(tmp_path))
    assert sorted((score.n, score.mean) for score in scores(group.rows)) == [(1, 10.0), (1, 90.0)]
    assert [score.mean for score in scores(usual(group.rows))] == [10.0]
    assert group.left_out == 0


def test_a_method_keeps_what_bounds_its_noise_and_how_many_ran_out(
    tmp_path: Path, make_noise: Callable[..., NoiseRecord], make_victim: Callable[..., VictimRecord]
) -> None:
    store = Store(tmp_path)
    for method in ("em-huang21", "ops-wu23"):
        for seed in range(2):
            bound = {"bound": "one pixel", "bounded": False} if method == "ops-wu23" else {"status": "budget_exhausted"}
            store.write(make_noise(method, seed, 1000, costs={}, **bound))
            store.write(make_victim(method, "resnet18", 0.0, seed, 10.0))
    store.write(make_victim("sem-liu24", "resnet18", 0.0, 0, 10.0))
    made = generations(groups(load_records(tmp_path))[0].rows)
    assert [(one.method, one.bound, one.exhausted) for one in made] == [
        ("em-huang21", "", 2),
        ("ops-wu23", "one pixel", 0),
        ("sem-liu24", "", 0),
    ]
    assert not any(one.seconds or one.passes for one in made)


NEWER = {"inputs": {"method": "em-fu22/9"}}


def test_costs_are_those_of_the_newest_version(
    tmp_path: Path, make_noise: Callable[..., NoiseRecord], make_victim: Callable[..., VictimRecord]
) -> None:
    """A seed of the older version, whose victim of another network was not rerun, does not count."""
    store = Store(tmp_path)
    for seed, passes, cell in ((0, 1000, {}), (1, 9000, NEWER)):
        store.write(make_noise("em-fu22", seed, passes, cell=cell))
        store.write(make_victim("em-fu22", f"resnet{18 + seed}", 0.0, seed, 10.0, cell=cell))
    (group,) = groups(load_records(tmp_path))
    assert [made.passes for made in generations(group.rows)] == [9000]


def test_of_two_versions_of_a_cell_only_the_newer_counts(
    tmp_path: Path, make_noise: Callable[..., NoiseRecord], make_victim: Callable[..., VictimRecord]
) -> None:
    """Seed 0 was run again, seed 1 was not, so it is left out; which record finished last does not matter."""
    store = Store(tmp_path)
    for seed in range(2):
        store.write(make_noise("em-fu22", seed, 1000))
        store.write(make_victim("em-fu22", "resnet18", 0.0, seed, 10.0, finished="2026-02-01T00:00:00Z"))
    store.write(make_noise("em-fu22", 0, 1000, cell=NEWER))
    store.write(make_victim("em-fu22", "resnet18", 0.0, 0, 50.0, cell=NEWER))
    frame = load_records(tmp_path, superseded=True)
    found = sorted(zip(frame["method_version"], frame["older"], strict=True))
    assert found == [(str(EM_FU22.version), True), (str(EM_FU22.version), True), ("9", False)]
    (group,) = groups(frame)
    (score,) = scores(group.rows)
    assert (score.n, score.mean, score.older, group.left_out) == (1, 50.0, 0, 2)


def test_a_failed_seed_of_a_newer_version_displaces_no_other_seed(
    tmp_path: Path, make_noise: Callable[..., NoiseRecord], make_victim: Callable[..., VictimRecord]
) -> None:
    store = Store(tmp_path)
    for seed in range(2):
        store.write(make_noise("em-fu22", seed, 1000))
        store.write(make_victim("em-fu22", "resnet18", 0.0, seed, 10.0))
    store.write(make_noise("em-fu22", 2, 1000, cell=NEWER))
    store.write(make_victim("em-fu22", "resnet18", 0.0, 2, 0.0, cell=NEWER, status="failed", error="out of memory"))
    (group,) = groups(load_records(tmp_path))
    (score,) = scores(group.rows)
    assert (score.n, score.mean, score.older, score.failed) == (2, 10.0, 2, 1)


def test_a_failed_rerun_of_a_newer_version_replaces_no_older_result(
    tmp_path: Path, make_noise: Callable[..., NoiseRecord], make_victim: Callable[..., VictimRecord]
) -> None:
    store = Store(tmp_path)
    failed = {"cell": NEWER, "status": "failed", "error": "out of memory", "metrics": None}
    for seed in range(3):
        store.write(make_noise("em-fu22", seed, 1000))
        store.write(make_victim("em-fu22", "resnet18", 0.0, seed, 58.0 + seed))
    for reruns in (1, 3):
        for seed in range(reruns):
            store.write(make_victim("em-fu22", "resnet18", 0.0, seed, 0.0, **failed))
        for superseded in (False, True):
            (group,) = groups(load_records(tmp_path, superseded=superseded))
            (score,) = scores(group.rows)
            assert (score_text(score, 3), score.failed) == ("59.00 \N{SECTION SIGN} (58.00\N{EN DASH}60.00)", 0)
            assert [made.passes for made in generations(group.rows)] == [1000]
        assert group.left_out == reruns
    store.write(make_victim("em-fu22", "resnet18", 0.0, 1, 50.0, cell=NEWER))  # the rerun of one seed succeeds
    (group,) = groups(load_records(tmp_path))
    assert [score_text(score, 3) for score in scores(group.rows)] == ["50.00 (n=1, 2 failed)"]


def test_of_several_records_of_a_seed_the_last_with_a_result_counts(
    tmp_path: Path, make_victim: Callable[..., VictimRecord]
) -> None:
    """They are of one version and differ in the numbers of the protocol, the last of which led to a failure."""
    for month, (accuracy, status) in enumerate(((10.0, "ok"), (50.0, "ok"), (0.0, "failed")), 1):
        at = f"2026-0{month}-01T00:00:00Z"
        record = make_victim("em-fu22", "resnet18", 0.0, 0, accuracy, finished=at, status=status)
        numbers = {"victim": {"steps": 10 * month}}
        Store(tmp_path).write(record.model_copy(update={"cell": record.cell.model_copy(update={"numbers": numbers})}))
    (group,) = groups(load_records(tmp_path, superseded=True))
    (score,) = scores(group.rows)
    assert (score.mean, score.failed, group.left_out) == (50.0, 0, 2)


def test_a_failed_seed_of_a_newer_version_hides_neither_cost_nor_bound(
    tmp_path: Path, make_noise: Callable[..., NoiseRecord], make_victim: Callable[..., VictimRecord]
) -> None:
    store = Store(tmp_path)
    store.write(make_noise("em-fu22", 0, 1000, bound="one pixel", bounded=False))
    store.write(make_victim("em-fu22", "resnet18", 0.0, 0, 10.0))
    store.write(make_victim("em-fu22", "resnet18", 0.0, 1, 0.0, cell=NEWER, status="failed", metrics=None))
    (group,) = groups(load_records(tmp_path))
    assert [(made.passes, made.bound) for made in generations(group.rows)] == [(1000, "one pixel")]


def test_a_raised_version_leaves_every_cell_in_the_table(
    tmp_path: Path, make_noise: Callable[..., NoiseRecord], make_victim: Callable[..., VictimRecord]
) -> None:
    store = Store(tmp_path)
    for method in ("em-fu22", "rem-fu22"):
        store.write(make_noise(method, 0, 1000))
        store.write(make_victim(method, "resnet18", 0.0, 0, 10.0))
    store.write(make_noise("em-fu22", 0, 9000, cell=NEWER))
    store.write(make_victim("em-fu22", "vgg16", 0.0, 0, 50.0, cell=NEWER))
    (group,) = groups(load_records(tmp_path))
    assert [(score.method, score.of["victim"], score.older) for score in scores(group.rows)] == [
        ("em-fu22", "resnet18", 1),
        ("em-fu22", "vgg16", 0),
        ("rem-fu22", "resnet18", 0),
    ]
    assert [made.passes for made in generations(group.rows)] == [9000, 1000]
    assert group.left_out == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [("recipe", "supervised/2"), ("countermeasure", "standard/2"), ("engine", "2"), ("network", "resnet18/2")],
)
def test_every_component_has_versions(
    tmp_path: Path, make_victim: Callable[..., VictimRecord], name: str, value: str
) -> None:
    store = Store(tmp_path)
    older, newer = (make_victim("em-fu22", "resnet18", 0.0, seed, 10.0) for seed in range(2))
    store.write(older)
    newer = newer.model_copy(
        update={"cell": newer.cell.model_copy(update={"inputs": newer.cell.inputs | {name: value}})}
    )
    store.write(newer)
    assert load_records(tmp_path, superseded=True)["older"].tolist() == [True, False]


def test_pairs_are_of_the_seeds_that_both_have() -> None:
    first = Score(cell=place(method="em-fu22"), seeds={0: 1.0, 1: 9.0, 2: 5.0})
    assert paired(first, Score(cell=place(method="clean"), seeds={0: 2.0, 2: 1.0, 3: 0.0})) == [-1.0, 4.0]


def test_pairs_are_of_one_version_of_what_both_trainers_share(
    tmp_path: Path, make_victim: Callable[..., VictimRecord]
) -> None:
    store = Store(tmp_path)
    newer = {"inputs": {"network": "resnet18/2"}}
    for seed in range(3):
        store.write(make_victim("clean", "resnet18", 0.0, seed, 90.0, cell=newer if seed else {}))
        store.write(make_victim("clean", "vgg16", 0.0, seed, 80.0))
        store.write(make_victim("em-fu22", "resnet18", 0.0, seed, 10.0 + seed))
        store.write(make_victim("rem-fu22", "resnet18", 0.0, seed, 20.0 + seed, cell=newer))
    (group,) = groups(load_records(tmp_path))
    clean, other, em, rem = scores(group.rows)
    assert paired(em, clean) == []
    assert paired(rem, clean) == [-69.0, -68.0]
    assert paired(em, other) == [-70.0, -69.0, -68.0]


def test_other_numbers_under_one_name_are_marked(tmp_path: Path, make_victim: Callable[..., VictimRecord]) -> None:
    store = Store(tmp_path)
    store.write(make_victim("em-fu22", "resnet18", 0.0, 0, 10.0))
    last = make_victim("em-fu22", "resnet18", 0.0, 1, 10.0, finished="2026-02-01T00:00:00Z")
    store.write(last.model_copy(update={"cell": last.cell.model_copy(update={"numbers": {"victim": {"steps": 10}}})}))
    assert load_records(tmp_path)["older"].tolist() == [True, False]


def test_a_cell_that_failed_before_it_knew_its_dataset_is_in_the_table(
    tmp_path: Path, make_victim: Callable[..., VictimRecord]
) -> None:
    store = Store(tmp_path)
    store.write(make_victim("clean", "resnet18", 0.0, 0, 90.0))
    store.write(make_victim("em-fu22", "resnet18", 0.0, 0, 0.0, status="failed", metrics=None, digests={}))
    (group,) = groups(load_records(tmp_path))
    assert [(score.n, score.failed) for score in scores(group.rows)] == [(1, 0), (0, 1)]
