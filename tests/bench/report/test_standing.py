import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from attacks.core.errors import RequestError
from bench.config.axes import place, without_method
from bench.records.breaks import FILE as BREAKS
from bench.records.frame import load_records
from bench.records.schema import VictimRecord
from bench.records.store import Store
from bench.records.trust import FILE
from bench.report.plots.strongest_trainer import strongest_trainer_table
from bench.report.standing import Standing, by_trainer, is_settled, standings, tiers, trainer_text
from bench.report.summary import groups
from bench.report.text import rank_text, trainers_text

Accuracies = Mapping[tuple[str, float, int], float]
Stand = Callable[..., dict[str, Standing]]
DASH = "\N{EN DASH}"


@pytest.fixture
def stand(tmp_path: Path, make_victim: Callable[..., VictimRecord]) -> Stand:
    """Write accuracies by (victim, radius, seed) of each method, and return the methods' standings."""

    def standings_of(by_method: Mapping[str, Accuracies], **changes: Any) -> dict[str, Standing]:
        store = Store(tmp_path)
        for method, accuracies in by_method.items():
            for (victim, rho_a, seed), accuracy in accuracies.items():
                store.write(make_victim(method, victim, rho_a, seed, accuracy, **changes))
        (group,) = groups(load_records(tmp_path))
        return standings(group)

    return standings_of


def seeds(*accuracies: float, victim: str = "a", rho_a: float = 0.0) -> dict[tuple[str, float, int], float]:
    """Return accuracies of one victim, one per seed."""
    return {(victim, rho_a, seed): accuracy for seed, accuracy in enumerate(accuracies)}


def test_the_headline_is_the_strongest_trainer_beside_clean(stand: Stand) -> None:
    clean = seeds(90, 92) | seeds(80, 82, rho_a=4.0) | seeds(70, 70, victim="b")
    own = seeds(20, 22) | seeds(50, 52, rho_a=4.0) | seeds(42, 30, victim="b")
    found = stand({"clean": clean, "em-fu22": own})
    one = found["em-fu22"]
    assert (one.strongest.mean, trainer_text(one.strongest)) == (51, "a, rho_a 4")
    assert one.clean is not None
    assert (one.clean.mean, trainers_text(one)) == (81, "3/3")
    assert found["clean"].strongest.mean == 91


def test_the_strongest_is_by_the_mean_and_not_by_the_best_seed(stand: Stand) -> None:
    own = seeds(20, 90) | seeds(60, 60, victim="b")
    assert stand({"em-fu22": own})["em-fu22"].strongest.of["victim"] == "b"


def test_gaps_are_counted(stand: Stand) -> None:
    clean = seeds(90) | seeds(80, rho_a=4.0)
    found = stand({"clean": clean, "em-fu22": seeds(20) | seeds(95, victim="c")})
    assert {name: trainers_text(one) for name, one in found.items()} == {"clean": "2/3", "em-fu22": "2/3"}
    assert (found["em-fu22"].strongest.mean, found["em-fu22"].clean) == (95, None)


def test_countermeasures_are_trainers_and_shares_are_not(
    tmp_path: Path, stand: Stand, make_victim: Callable[..., VictimRecord]
) -> None:
    Store(tmp_path).write(make_victim("em-fu22", "a", 0.0, 0, 60.0, axes={"countermeasure": "cutout"}))
    Store(tmp_path).write(make_victim("em-fu22", "a", 0.0, 0, 99.0, axes={"share": 50}))
    one = stand({"clean": seeds(90), "em-fu22": seeds(20)})["em-fu22"]
    assert (one.strongest.mean, trainer_text(one.strongest), one.clean) == (60, "a, rho_a 0, cutout", None)


def test_methods_that_cannot_be_told_apart_share_their_ranks(stand: Stand) -> None:
    found = stand(
        {
            "clean": seeds(90, 90, 90),
            "random": seeds(5, 5, 5),
            "em-fu22": seeds(20, 20.1, 20),
            "rem-fu22": seeds(30, 30.1, 30.2),
            "sem-liu24": seeds(30.1, 30, 30.2),  # against rem: 0.1, -0.1 and 0
            "tap-fowl21": seeds(1, 1),  # two seeds say nothing against any other
        }
    )
    assert {name: rank_text(one) for name, one in found.items()} == {
        "clean": DASH,
        "random": DASH,
        "em-fu22": f"1{DASH}2",
        "rem-fu22": f"2{DASH}4",
        "sem-liu24": f"2{DASH}4",
        "tap-fowl21": f"1{DASH}4",
    }


def test_a_method_is_not_ranked_above_one_on_trainers_that_it_lacks(stand: Stand) -> None:
    """REM is better where both were measured, but unknown at radius 4; SEM is worse already at radius 0."""
    full = seeds(20, 20.1, 20.2) | seeds(40, 40.1, 40.2, rho_a=4.0)
    found = stand({"em-fu22": full, "rem-fu22": seeds(10, 10.1, 10.2), "sem-liu24": seeds(50, 50.1, 50.2)})
    assert {name: rank_text(one) for name, one in found.items()} == {
        "em-fu22": f"1{DASH}2",
        "rem-fu22": f"1{DASH}2",
        "sem-liu24": "3",
    }


def test_each_method_meets_its_own_strongest_trainer(stand: Stand) -> None:
    """The two methods differ on every single trainer; their strongest ones are equal."""
    one = seeds(10, 10.2, 10.1) | seeds(50, 50.1, 49.9, rho_a=4.0)
    other = seeds(50, 49.9, 50.1) | seeds(10, 10.1, 10.2, rho_a=4.0)
    assert {rank_text(found) for found in stand({"em-fu22": one, "sem-liu24": other}).values()} == {f"1{DASH}2"}


def test_only_seeds_that_both_have_count(stand: Stand) -> None:
    far = {("a", 0.0, seed): 90.0 for seed in (7, 8, 9)}
    found = stand({"em-fu22": seeds(20, 20.1, 20.2) | far, "sem-liu24": seeds(30, 30.1, 30.2)})
    assert [rank_text(one) for one in found.values()] == ["1", "2"]


def test_a_trainer_without_common_seeds_still_is_the_strongest(stand: Stand) -> None:
    """SEM is below EM at every common seed, but at none of EM's seeds at its strongest trainer."""
    jpeg = {("b", 0.0, seed): accuracy for seed, accuracy in ((7, 30.0), (8, 31.0))}
    sem = seeds(20, 20.1, 20.2) | {("b", 0.0, seed): 70.0 + seed for seed in range(3)}
    found = stand({"em-fu22": seeds(25, 25.1, 25.2) | jpeg, "sem-liu24": sem})
    assert {name: rank_text(one) for name, one in found.items()} == {
        "em-fu22": f"1{DASH}2",
        "sem-liu24": f"1{DASH}2",
    }


def test_clean_images_of_another_version_of_a_trainer_are_no_reference(
    tmp_path: Path, make_victim: Callable[..., VictimRecord]
) -> None:
    store = Store(tmp_path)
    newer = {"inputs": {"network": "resnet18/9"}}
    store.write(make_victim("clean", "resnet18", 0.0, 0, 90.0, cell=newer))
    for seed in range(2):
        store.write(make_victim("em-fu22", "resnet18", 0.0, seed, 20.0))
    store.write(make_victim("sem-liu24", "resnet18", 0.0, 0, 30.0, cell=newer))
    (group,) = groups(load_records(tmp_path))
    found = standings(group)
    assert (found["em-fu22"].clean, found["em-fu22"].over.n, found["em-fu22"].strongest.older) == (None, 0, 2)
    assert found["sem-liu24"].over.mean == -60.0


def test_a_method_is_trusted_as_far_as_its_least_trusted_record(
    tmp_path: Path, make_victim: Callable[..., VictimRecord]
) -> None:
    store = Store(tmp_path)
    records = [make_victim("em-fu22", "a", 0.0, 0, 20.0), make_victim("sem-liu24", "a", 0.0, 0, 20.0)]
    lines = []
    for record in records:
        store.write(record)
        path = store.path(record.cell)
        lines.append(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(tmp_path).as_posix()}")
    claim = '[[attestation]]\ntier = "verified"\nby = "x"\ndate = 2026-01-01\nhow = "y"\nrecords = """\n{}\n"""\n'
    (tmp_path / FILE).write_text(claim.format("\n".join(lines)))
    store.write(make_victim("sem-liu24", "a", 0.0, 1, 20.0))
    assert tiers(load_records(tmp_path)) == {"em-fu22": "verified", "sem-liu24": "self-reported"}


def test_at_a_shipped_protocol_only_trainers_of_the_suite_count(stand: Stand) -> None:
    """Radius 2 is not in the suite, so it makes no headline, and lacking it costs no rank."""
    place = {"cell": {"protocol": "smoke-v1"}}
    resnet = "resnet18-w8"
    clean = seeds(90, 91, 92, victim=resnet)
    one = seeds(20, 20.1, 20.2, victim=resnet)
    other = seeds(30, 30.1, 30.2, victim=resnet) | seeds(70, 70.1, 70.2, victim=resnet, rho_a=2.0)
    found = stand({"clean": clean, "em-fu22": one, "sem-liu24": other}, **place)
    assert {name: (trainers_text(one), rank_text(one)) for name, one in found.items()} == {
        "clean": ("1/17", DASH),
        "em-fu22": ("1/17", "1"),
        "sem-liu24": ("1/17", "2"),
    }
    sem = found["sem-liu24"]
    assert sem.strongest.mean == pytest.approx(30.1)
    assert (sem.strongest.over.worst, sem.suite, sem.lacks) == (30.2, "strong-v1", 0)


def test_the_difference_from_clean_is_paired_by_seed(stand: Stand) -> None:
    """Seed 0 of clean has no partner; the means alone would differ by 69.9."""
    clean = {("a", 0.0, seed): accuracy for seed, accuracy in enumerate((80.0, 90.0, 91.0, 92.0))}
    own = {("a", 0.0, seed): accuracy for seed, accuracy in ((1, 20.0), (2, 20.5), (3, 22.5))}
    found = stand({"clean": clean, "em-fu22": own})
    over = found["em-fu22"].over
    assert (over.n, over.mean) == (3, -70)
    assert over.is_decided
    assert found["clean"].over.n == 0


def test_what_lacks_a_trainer_that_another_has_says_so(stand: Stand) -> None:
    found = stand({"em-fu22": seeds(20) | seeds(60, rho_a=4.0), "sem-liu24": seeds(30)})
    assert {name: one.lacks for name, one in found.items()} == {"em-fu22": 0, "sem-liu24": 1}


def test_no_method_lacks_what_only_references_have(stand: Stand) -> None:
    found = stand({"clean": seeds(90) | seeds(80, rho_a=4.0), "random": seeds(90, victim="c"), "em-fu22": seeds(20)})
    assert (found["em-fu22"].lacks, found["em-fu22"].of_trainers) == (0, 3)


def test_a_rank_is_settled_where_no_further_trainer_can_change_it(
    tmp_path: Path, make_victim: Callable[..., VictimRecord]
) -> None:
    strong, weak = seeds(60, 60.1, 60.2), seeds(20, 20.1, 20.2)
    other = weak | seeds(40, 40.1, 40.2, rho_a=4.0)

    def settled(own: Accuracies, published: Accuracies, *left: tuple[str, float]) -> bool:
        store = Store(tmp_path / str(len(list(tmp_path.iterdir()))))
        for method, accuracies in {
            "own": own,
            "sem-liu24": published,
            "clean": seeds(90) | seeds(80, victim="c"),
        }.items():
            for (victim, rho_a, seed), accuracy in accuracies.items():
                store.write(make_victim(method, victim, rho_a, seed, accuracy))
        (group,) = groups(load_records(store.root))
        trainers = {without_method(place(method="own", victim=victim, rho_a=rho_a)) for victim, rho_a in left}
        return is_settled("own", by_trainer(group.scores), trainers, group.pool)

    four, b = ("a", 4.0), ("b", 0.0)
    assert settled(weak, weak, four, b)  # tied, with every trainer that the other has: further ones change nothing
    assert not settled(weak, other, four)  # its accuracy at radius 4 decides
    assert settled(weak, other)  # which will not be measured
    assert settled(strong, other, four)  # already worse than the other at its strongest trainer
    assert not settled(strong, other, four, b)  # the other lacks b, which would tie them
    assert not settled(strong, other, ("a", 0.0))  # more seeds may lower its mean
    assert settled(strong, weak)
    assert not settled(strong, weak, b)  # likewise
    assert settled(weak, strong, four)  # better, with every trainer that the other has
    assert not settled(seeds(30, 30.1, 30.2), other, four)  # worse at radius 0, but not than the other at radius 4
    assert not settled(strong | seeds(60, victim="b"), other, four)  # the other lacks b, so it can never rank above
    assert not settled(seeds(60, 60.1), other, four)  # two seeds decide nothing
    assert not settled(seeds(60, 60.1), weak, ("a", 0.0))  # but a third may


BREAK = """
[[break]]
method = "em-fu22"
victim = "{victim}"
rho_a = 0
by = "Ada"
date = 2026-01-01
how = "knows the surrogate"
link = "https://example.org"
"""


def test_an_adaptive_trainer_lowers_its_method_and_no_other(
    tmp_path: Path, stand: Stand, make_victim: Callable[..., VictimRecord]
) -> None:
    (tmp_path / BREAKS).write_text(BREAK.format(victim="breaker"))
    at = {"cell": {"protocol": "smoke-v1"}}
    clean = seeds(90, 91, 92, victim="resnet18-w8")
    em = seeds(20, 20.1, 20.2, victim="resnet18-w8") | seeds(80, 80.1, 80.2, victim="breaker")
    sem = seeds(30, 30.1, 30.2, victim="resnet18-w8") | seeds(95, 95, 95, victim="breaker")
    found = stand({"clean": clean, "em-fu22": em, "sem-liu24": sem}, **at)
    assert {name: (trainers_text(one), rank_text(one), one.lacks) for name, one in found.items()} == {
        "clean": ("1/17", DASH, 0),
        "em-fu22": ("1/17", "2", 0),
        "sem-liu24": ("1/17", "1", 0),
    }
    assert trainer_text(found["em-fu22"].strongest) == "breaker, rho_a 0 (adaptive)"
    assert trainer_text(found["sem-liu24"].strongest) == "resnet18-w8, rho_a 0"


def test_an_adaptive_trainer_has_its_clean_reference_beside_it(
    tmp_path: Path, stand: Stand, make_victim: Callable[..., VictimRecord]
) -> None:
    (tmp_path / BREAKS).write_text(BREAK.format(victim="breaker"))
    clean = seeds(90, 91, 92, victim="resnet18-w8") | seeds(85, 86, 87, victim="breaker")
    em = seeds(20, 20.1, 20.2, victim="resnet18-w8") | seeds(80, 81, 82, victim="breaker")
    found = stand({"clean": clean, "em-fu22": em}, cell={"protocol": "smoke-v1"})
    one, reference = found["em-fu22"], found["clean"]
    assert one.clean is not None
    assert (one.clean.mean, one.over.mean) == (86, -5)
    assert (trainers_text(reference), reference.strongest.mean) == ("1/17", 91)  # it counts for its method alone
    table = strongest_trainer_table(load_records(tmp_path)).set_index(["method", "trainer"])
    assert table.loc[("em-fu22", "breaker, rho_a 0 (adaptive)"), "clean"] == 86


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[[break]]\nmethod = 1\n", "method: must be text, not 1"),
        ("[[break]]\n", "is missing"),
        ("[[brake]]\n", "brake"),
        ("= 1", "cannot read"),
    ],
)
def test_a_broken_list_of_adaptive_trainers_is_refused(
    text: str, word: str, tmp_path: Path, make_victim: Callable[..., VictimRecord]
) -> None:
    Store(tmp_path).write(make_victim("em-fu22", "a", 0.0, 0, 20.0))
    (tmp_path / BREAKS).write_text(text)
    with pytest.raises(RequestError) as caught:
        load_records(tmp_path)
    assert BREAKS in str(caught.value)
    assert word in str(caught.value)
    assert "\n" not in str(caught.value)
