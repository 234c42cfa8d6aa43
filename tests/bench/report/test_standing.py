from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from bench.records.frame import load_records
from bench.records.schema import VictimRecord
from bench.records.store import Store
from bench.records.trust import FILE
from bench.report.standing import Standing, standings, tiers
from bench.report.summary import groups
from bench.report.text import protection_text, rank_text

T_1 = 12.706204736432095  # 97.5% of Student's t with one degree of freedom, as in printed tables: 12.706
Accuracies = Mapping[tuple[str, float, int], float]
Stand = Callable[..., dict[str, Standing]]


@pytest.fixture
def stand(tmp_path: Path, make_victim: Callable[..., VictimRecord]) -> Stand:
    """Write accuracies by (victim, radius, seed) of each method, and return where the methods stand."""

    def standings_of(by_method: Mapping[str, Accuracies], **cell: str) -> dict[str, Standing]:
        store = Store(tmp_path)
        for method, accuracies in by_method.items():
            for (victim, rho_a, seed), accuracy in accuracies.items():
                store.write(make_victim(method, victim, rho_a, seed, accuracy, cell=cell))
        (group,) = groups(load_records(tmp_path))
        return standings(group)

    return standings_of


def both(first: float, second: float, victim: str = "a") -> Accuracies:
    """Accuracies of one victim without attack, at two seeds."""
    return {(victim, 0.0, 0): first, (victim, 0.0, 1): second}


def test_the_score_is_that_of_a_hand_calculation(stand: Stand) -> None:
    clean = {("a", 0.0, 0): 90, ("a", 4.0, 0): 80, ("b", 0.0, 0): 70, ("b", 4.0, 0): 72}
    clean |= {("a", 0.0, 1): 92, ("a", 4.0, 1): 80, ("b", 0.0, 1): 70, ("b", 4.0, 1): 70}
    own = {("a", 0.0, 0): 20, ("a", 4.0, 0): 50, ("b", 0.0, 0): 42, ("b", 4.0, 0): 30}
    own |= {("a", 0.0, 1): 10, ("a", 4.0, 1): 52, ("b", 0.0, 1): 40, ("b", 4.0, 1): 30}
    found = stand({"clean": clean, "em-fu22": own})
    assert set(found) == {"em-fu22"}
    # seed 0: (50 - 90 + 42 - 72) / 2 = -35; seed 1: (52 - 92 + 40 - 70) / 2 = -35
    assert (found["em-fu22"].protection.mean, found["em-fu22"].protection.low) == (-35, -35)
    assert protection_text(found["em-fu22"], 2) == "-35.00 ± 0.00"


def test_the_interval_is_over_seeds(stand: Stand) -> None:
    over = stand({"clean": both(90, 90), "em-fu22": both(20, 22)})["em-fu22"].protection
    assert (over.n, over.mean) == (2, -69)  # -70 and -68: the standard error is 1
    assert over.low == pytest.approx(-69 - T_1)
    assert over.high == pytest.approx(-69 + T_1)


def test_one_seed_has_no_interval_and_a_missing_one_is_counted(stand: Stand) -> None:
    found = stand({"clean": both(90, 92), "em-fu22": {("a", 0.0, 1): 12}})["em-fu22"]
    assert (found.protection.n, found.protection.mean, found.protection.low) == (1, -80, None)
    assert protection_text(found, 2) == "-80.00 (n=1)"


def test_a_victim_without_all_radii_of_the_reference_does_not_count(stand: Stand) -> None:
    clean = {("a", 0.0, 0): 90, ("a", 4.0, 0): 80, ("b", 0.0, 0): 70}
    own = {("a", 0.0, 0): 20, ("b", 0.0, 0): 30, ("c", 0.0, 0): 99}
    found = stand({"clean": clean, "em-fu22": own, "rem-fu22": {("a", 0.0, 0): 20}})
    assert protection_text(found["em-fu22"], 1) == "-40.00 (1/2 victims)"
    assert protection_text(found["rem-fu22"], 1) == "\N{EN DASH}"


def test_radii_beyond_the_noises_own_do_not_count_where_the_protocol_states_it(stand: Stand) -> None:
    clean = {("a", 4.0, 0): 90, ("a", 8.0, 0): 80}
    own = {("a", 4.0, 0): 20, ("a", 8.0, 0): 75}
    found = stand({"clean": clean, "em-fu22": own}, protocol="paper-v1", dataset="cifar10")
    assert found["em-fu22"].protection.mean == -70


def test_without_the_reference_there_is_no_score(stand: Stand) -> None:
    assert stand({"em-fu22": both(20, 22)})["em-fu22"].protection.mean is None


def test_methods_that_cannot_be_told_apart_share_their_ranks(stand: Stand) -> None:
    by_method = {
        "clean": both(90, 90),
        "random": both(5, 5),
        "em-fu22": both(20, 20.1),
        "rem-fu22": both(30, 30.1),
        "sem-liu24": both(30.1, 30),  # against rem: 0.1 and -0.1
        "tap-fowl21": {("a", 0.0, 0): 1},  # one seed says nothing against any other
    }
    ranks = {name: rank_text(found) for name, found in stand(by_method).items()}
    dash = "\N{EN DASH}"
    assert ranks == {
        "random": dash,
        "em-fu22": f"1{dash}2",
        "rem-fu22": f"2{dash}4",
        "sem-liu24": f"2{dash}4",
        "tap-fowl21": f"1{dash}4",
    }


def test_a_constant_difference_is_beyond_doubt_and_none_is_a_tie(stand: Stand) -> None:
    found = stand({"em-fu22": both(20, 40), "rem-fu22": both(21, 41), "sem-liu24": both(21, 41)})
    assert [(one.best_rank, one.worst_rank) for one in found.values()] == [(1, 1), (2, 3), (2, 3)]


def test_other_countermeasures_and_shares_do_not_enter(
    tmp_path: Path, stand: Stand, make_victim: Callable[..., VictimRecord]
) -> None:
    for axes in ({"countermeasure": "cutout"}, {"share": 50}):
        Store(tmp_path).write(make_victim("em-fu22", "a", 0.0, 0, 99.0, axes=axes))
    assert stand({"clean": both(90, 90), "em-fu22": both(20, 20)})["em-fu22"].protection.mean == -70


def test_a_method_is_trusted_as_far_as_its_least_trusted_record(
    tmp_path: Path, make_victim: Callable[..., VictimRecord]
) -> None:
    import hashlib

    store = Store(tmp_path)
    records = [make_victim("em-fu22", "a", 0.0, 0, 20.0), make_victim("sem-liu24", "a", 0.0, 0, 20.0)]
    lines = []
    for record in records:
        store.write(record)
        path = store.path(record.cell)
        lines.append(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(tmp_path).as_posix()}")
    claim = '[[claim]]\ntier = "verified"\nby = "x"\ndate = 2026-01-01\nhow = "y"\nrecords = """\n{}\n"""\n'
    (tmp_path / FILE).write_text(claim.format("\n".join(lines)))
    store.write(make_victim("sem-liu24", "a", 0.0, 1, 20.0))
    assert tiers(load_records(tmp_path)) == {"em-fu22": "verified", "sem-liu24": "self-reported"}
