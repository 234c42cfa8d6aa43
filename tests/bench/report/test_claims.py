import shlex
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import pytest

from attacks.core.errors import RequestError
from attacks.methods import METHODS
from bench.config.load import load_grid
from bench.data import NAMES
from bench.records.frame import load_records
from bench.records.schema import NoiseRecord, VictimRecord
from bench.records.store import Store
from bench.report import leaderboard
from bench.report.claims import FILE, Claim, Claims, Side, load_claims
from bench.report.claims_page import (
    claims_data,
    claims_text,
    compared_text,
    criterion_text,
    measured_text,
    verdict_text,
)
from bench.report.reported.claims import with_published
from bench.report.summary import groups
from bench.report.verdicts import Answer, answers
from victims.countermeasures import COUNTERMEASURES
from victims.networks.names import parse_victim
from victims.recipes import TRAININGS

ROOT = Path(__file__).parents[3]
SCALE = """
[[scale]]
name = "test"
title = "Made up"
dataset = "synthetic"
protocol = "test-v1"
victims = { resnet = "resnet18", vgg = "vgg16_bn" }
"""
CLAIM = """
[[claim]]
name = "one"
source = "somebody"
grade = "V"
text = "A is better than B."
first = { method = "em-fu22" }
second = { method = "clean" }
says = "lower"
scales = ["test"]
"""
Ask = Callable[..., Answer]


@pytest.fixture
def ask(tmp_path: Path, make_victim: Callable[..., VictimRecord], make_noise: Callable[..., NoiseRecord]) -> Ask:
    """Write accuracies by method and radius, one per seed, and answer one claim.

    The noise of `em-fu22` takes `passes`; where it was made is changed by `place`, that of others is a CPU.
    """

    def answer(
        accuracies: Mapping[tuple[str, float], tuple[float, ...]],
        passes: int = 1000,
        place: Mapping[str, Any] | None = None,
        **claim: Any,
    ) -> Answer:
        store = Store(tmp_path)
        for (method, rho_a), values in accuracies.items():
            for seed, accuracy in enumerate(values):
                store.write(make_victim(method, "resnet18", rho_a, seed, accuracy))
                own = method == "em-fu22"
                noise = make_noise(method, seed, passes if own else 1000)
                there = noise.environment.model_copy(update=(own and place) or {"driver": None})
                store.write(noise.model_copy(update={"environment": there}))
        (tmp_path / FILE).write_text(SCALE + CLAIM)
        claims = load_claims(tmp_path)
        assert claims
        changed = Claim.model_validate(claims.claim[0].model_dump(exclude_none=True) | claim)
        (found,) = answers(Claims(scale=claims.scale, claim=(changed,)), groups(load_records(tmp_path)))
        return found

    return answer


def two(first: tuple[float, ...], second: tuple[float, ...]) -> dict[tuple[str, float], tuple[float, ...]]:
    return {("em-fu22", 0.0): first, ("clean", 0.0): second}


@pytest.mark.parametrize(
    ("first", "claim", "verdict"),
    [
        ((20.0, 21.0, 22.0), {}, "confirmed"),
        ((20.0, 21.0, 22.0), {"by": 60}, "confirmed"),
        ((20.0, 21.0, 22.0), {"by": 80}, "contradicted"),
        ((20.0, 91.0, 22.0), {}, "undecided"),
        ((90.0, 91.0, 92.5), {"says": "within", "by": 5}, "confirmed"),
        ((20.0, 21.0, 22.0), {"says": "within", "by": 5}, "contradicted"),
        ((90.0, 91.0, 92.5), {"says": "within", "by": 0.2}, "undecided"),
        ((95.0, 96.0, 97.0), {"says": "higher"}, "confirmed"),
        ((20.0, 21.0, 22.0), {"says": "higher"}, "contradicted"),
        ((20.0, 21.0), {}, "undecided"),  # two seeds decide nothing
        ((20.0,), {"says": "higher"}, "undecided"),
    ],
)
def test_the_interval_gives_the_verdict(
    ask: Ask, first: tuple[float, ...], claim: dict[str, Any], verdict: str
) -> None:
    assert ask(two(first, (90.0, 91.1, 92.0)), **claim).verdict == verdict


def test_a_value_takes_the_place_of_the_second_side(ask: Ask) -> None:
    same = {"second": None, "value": 20.5, "says": "within", "by": 5}
    assert ask(two((20.0, 21.0, 22.0), ()), **same).verdict == "confirmed"
    assert ask(two((20.0, 21.0, 22.0), ()), **same | {"value": 60}).verdict == "contradicted"


def test_sides_may_be_at_different_trainers(ask: Ask) -> None:
    cells = {("em-fu22", 0.0): (20.0, 21.0, 22.0), ("em-fu22", 4.0): (80.0, 81.0, 82.0)}
    found = ask(cells, first={"method": "em-fu22", "rho_a": 4}, second={"method": "em-fu22"}, says="higher", by=50)
    assert (found.verdict, found.over.mean) == ("confirmed", 60)


def test_one_method_is_compared_with_itself_on_the_same_noise_only(
    tmp_path: Path, ask: Ask, make_victim: Callable[..., VictimRecord]
) -> None:
    cells = {("em-fu22", 0.0): (20.0, 21.0, 22.0, 23.0), ("em-fu22", 4.0): (80.0, 81.0, 82.0, 83.0)}
    sides: dict[str, Any] = {"first": {"method": "em-fu22", "rho_a": 4}, "second": {"method": "em-fu22"}}
    for seed in range(2):
        other = {"dataset": "d" * 64, "noise": "another"}
        Store(tmp_path).write(make_victim("em-fu22", "resnet18", 4.0, seed, 70.0, digests=other))
    found = ask(cells, says="higher", **sides)
    assert (found.seeds, found.over.mean) == ((2, 3), 60)


def test_two_versions_of_a_network_are_not_compared(
    tmp_path: Path, ask: Ask, make_victim: Callable[..., VictimRecord]
) -> None:
    newer = {"inputs": {"network": "resnet18/2"}}
    Store(tmp_path).write(make_victim("clean", "resnet18", 0.0, 0, 95.0, cell=newer))
    found = ask(two((20.0, 21.0, 22.5, 23.0), (90.0, 91.0, 92.0, 93.0)))
    assert (found.verdict, found.seeds) == ("not measured", ())


def test_what_rests_on_older_records_is_marked(
    tmp_path: Path, ask: Ask, make_victim: Callable[..., VictimRecord]
) -> None:
    cells = two((20.0, 21.0, 22.5), (90.0, 91.0, 92.0))
    assert ask(cells).older == 0
    newer = {"inputs": {"method": "em-fu22/9"}}
    Store(tmp_path).write(make_victim("em-fu22", "vgg16_bn", 0.0, 0, 50.0, cell=newer))
    found = ask(cells)
    assert (found.verdict, found.older) == ("confirmed", 3)
    assert measured_text(found).endswith("] \N{SECTION SIGN}")


def test_costs_are_ratios_and_counts_need_one_seed(ask: Ask) -> None:
    sides = {side: {"method": method, "measure": "image-passes"} for side, method in (("first", "em-fu22"),)}
    sides["second"] = {"method": "clean", "measure": "image-passes"}
    found = ask(two((20.0,), (90.0,)), passes=3000, says="times", by=2, **sides)
    assert (found.verdict, measured_text(found)) == ("confirmed", "3.00 times")
    assert ask(two((20.0,), (90.0,)), says="times", by=4, **sides).verdict == "contradicted"
    seconds = {name: side | {"measure": "seconds"} for name, side in sides.items()}
    few = ask(two((20.0,), (90.0,)), says="times", by=2, **seconds)
    assert verdict_text(few) == "undecided: about 2 more seeds"


def test_a_cost_rests_on_an_older_record_where_its_noise_does(
    tmp_path: Path,
    ask: Ask,
    make_victim: Callable[..., VictimRecord],
    make_noise: Callable[..., NoiseRecord],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A newer network makes victims older, not noises; once a seed is made again, the other's noise does not count."""
    sides = {
        side: {"method": method, "measure": "image-passes"}
        for side, method in (("first", "em-fu22"), ("second", "clean"))
    }
    Store(tmp_path).write(make_victim("em-fu22", "resnet18", 4.0, 0, 9.0, cell={"inputs": {"network": "resnet18/2"}}))
    Store(tmp_path).write(make_victim("em-fu22", "vgg16_bn", 0.0, 1, 9.0))
    cells = two((20.0, 21.0), (90.0, 91.0))
    before = ask(cells, passes=3000, says="times", by=2, **sides)
    assert (before.older, measured_text(before)) == (0, "3.00 times")
    newer = {"inputs": {"method": "em-fu22/9"}}
    Store(tmp_path).write(make_victim("em-fu22", "resnet18", 0.0, 0, 20.0, cell=newer))
    Store(tmp_path).write(make_noise("em-fu22", 0, 3000, cell=newer))
    after = ask(cells, passes=3000, says="times", by=2, **sides)
    assert (after.seeds, after.older, measured_text(after)) == ((0,), 0, "3.00 times")
    corrected = {"em-fu22": replace(METHODS["em-fu22"], version=10)}
    monkeypatch.setattr("attacks.methods.METHODS", METHODS | corrected)
    outdated = ask(cells, passes=3000, says="times", by=2, **sides)
    assert (outdated.older, measured_text(outdated)) == (1, "3.00 times \N{SECTION SIGN}")


def test_a_failed_noise_of_a_newer_version_makes_the_older_ones_no_newer(
    tmp_path: Path, ask: Ask, make_victim: Callable[..., VictimRecord]
) -> None:
    newer = {"inputs": {"method": "em-fu22/9"}}
    failed = make_victim("em-fu22", "vgg16_bn", 0.0, 0, 0.0, status="failed", metrics=None, cell=newer)
    Store(tmp_path).write(failed)
    first, second = ({"method": method, "measure": "image-passes"} for method in ("em-fu22", "clean"))
    found = ask(two((20.0,), (90.0,)), passes=3000, says="times", by=2, first=first, second=second)
    assert (found.older, measured_text(found)) == (1, "3.00 times \N{SECTION SIGN}")


def test_counts_on_both_sides_of_the_limit_are_not_promised_a_decision(
    tmp_path: Path, ask: Ask, make_noise: Callable[..., NoiseRecord]
) -> None:
    sides = {
        side: {"method": method, "measure": "image-passes"}
        for side, method in (("first", "em-fu22"), ("second", "clean"))
    }
    Store(tmp_path).write(make_noise("em-fu22", 1, 1500))
    found = ask(two((20.0, 21.0), (90.0, 91.0)), passes=3000, says="times", by=2, **sides)
    assert (found.over.n, found.more, verdict_text(found)) == (2, None, "undecided")


def test_seconds_are_compared_on_one_device_by_their_logarithms(ask: Ask) -> None:
    """A noise takes passes / 100,000 + seed seconds; clean's has 1,000 passes."""
    sides = {
        "first": {"method": "em-fu22", "measure": "seconds"},
        "second": {"method": "clean", "measure": "seconds"},
    }
    accuracies = two((1.0, 1.0, 1.0, 1.0), (2.0, 2.0, 2.0, 2.0))
    found = ask(accuracies, passes=10**6, says="times", by=2, **sides)
    ratios = [(10 + seed) / (0.01 + seed) for seed in range(4)]
    assert found.over.mean == pytest.approx(prod(ratios) ** 0.25)
    assert found.over.low is not None
    assert found.over.low < 2 < found.over.mean
    assert verdict_text(found).startswith("undecided: about ")
    assert found.more is not None
    assert found.more > 0


@pytest.mark.parametrize(
    ("place", "verdict"),
    [
        ({"driver": None}, "confirmed"),
        ({"driver": None, "device": "another"}, "not measured"),
        ({"driver": None, "processor": "another"}, "not measured"),
        ({"driver": None, "threads": 9}, "not measured"),
        ({"driver": "580.1", "threads": 9}, "not measured"),
    ],
)
def test_seconds_of_other_hardware_are_not_compared(ask: Ask, place: Mapping[str, Any], verdict: str) -> None:
    sides = {"first": {"method": "em-fu22", "measure": "seconds"}, "second": {"method": "clean", "measure": "seconds"}}
    accuracies = two((1.0,) * 6, (2.0,) * 6)
    assert ask(accuracies, passes=10**9, place=place, says="times", by=2, **sides).verdict == verdict


def test_the_command_of_a_hostile_method_runs_nothing_else(ask: Ask) -> None:
    name = """a'; touch /tmp/x; echo '"b"""
    words = shlex.split(ask({}, first={"method": name}).command)
    (methods,) = (word for word in words if word.startswith("methods="))
    assert tomllib.loads(methods) == {"methods": [name, "clean"]}
    assert not {"touch", ";"} & set(words)


def test_what_is_not_measured_has_a_command(ask: Ask) -> None:
    found = ask({}, first={"method": "em-fu22", "rho_a": 4, "countermeasure": "jpeg-10"})
    assert found.verdict == "not measured"
    assert shlex.split(found.command) == [
        *("python", "-m", "bench", "run", "--set", "protocol=test-v1", "--set", 'datasets=["synthetic"]'),
        *("--set", 'methods=["em-fu22","clean"]', "--set", 'victims=["resnet18"]', "--set", "radii=[4,0]"),
        *("--set", 'countermeasures=["jpeg-10","standard"]', "--set", "seeds=[0,1,2]"),
    ]
    assert ask({}, lacks="a thing").command == ""


LOST: dict[str, Any] = {
    "first": {"method": "em-fu22", "rho_a": 4},
    "second": {"method": "clean", "rho_a": 4},
    "says": "within",
    "by": 5,
}


def test_a_lost_effect_is_asked_only_of_noises_that_have_one(ask: Ask) -> None:
    """Clean images: 90 on average. The noises take 80, 0, 19, 20, 70, 60 and 1 of that, the fourth 22 of its own 92."""
    cells = {
        ("clean", 0.0): (88.0, 89.0, 89.0, 92.0, 92.0),
        ("em-fu22", 0.0): (10.0, 90.0, 71.0, 70.0, 20.0, 30.0, 89.0),
        ("clean", 4.0): (80.0,) * 7,
        ("em-fu22", 4.0): (60.0, 80.0, 80.0, 61.0, 62.0, 63.0, 80.0),
    }
    mixed = ask(cells, **LOST)
    assert (mixed.verdict, mixed.left_out, mixed.over.mean) == ("undecided", (), pytest.approx(-74 / 7))
    found = ask(cells, works_by=20, **LOST)
    assert (found.seeds, found.left_out, found.dead) == ((0, 3, 4, 5), (1, 2, 6), (1, 2, 6))
    assert (found.verdict, found.over.mean) == ("contradicted", -18.5)  # of -20, -19, -18 and -17
    assert compared_text(found).endswith(": from -5 to 5, noises taking 20 (3 left out)")
    assert ask(cells, works_by=20.5, **LOST).seeds == (0, 4, 5)
    assert ask(cells, works_by=20, **LOST | {"second": None, "value": 80}).seeds == (0, 3, 4, 5)
    peak = {"first": {"method": "em-fu22", "measure": "peak"}, "second": {"method": "em-fu22"}, "says": "higher"}
    assert ask(cells, works_by=20, **peak).seeds == (0, 3, 4, 5)


def test_noises_that_never_worked_confirm_no_lost_effect(ask: Ask) -> None:
    cells = {("clean", 0.0): (90.0, 90.0, 90.0), ("em-fu22", 0.0): (90.0, 71.0, 89.0)}
    cells |= {("clean", 4.0): (80.0, 80.0, 80.0), ("em-fu22", 4.0): (80.0, 80.0, 80.0)}
    assert ask(cells, **LOST).verdict == "confirmed"
    found = ask(cells, works_by=20, **LOST)
    assert (found.verdict, found.left_out, found.group) == ("not measured", (0, 1, 2), "")
    assert "'seeds=[3,4,5]'" in found.command
    assert "(left out: 3 noises not known to work)" in claims_text([found], linked=True)
    assert claims_data([found])[0]["answers"][0]["left_out"] == (0, 1, 2)


def test_a_noise_that_standard_training_has_not_shown_to_work_is_left_out(
    tmp_path: Path, ask: Ask, make_victim: Callable[..., VictimRecord]
) -> None:
    """Of three noises, one was never tried so, and another noise of its seed was tried instead of the second."""
    cells = {("clean", 0.0): (90.0,), ("clean", 4.0): (80.0, 80.0, 80.0), ("em-fu22", 4.0): (70.0, 70.0, 70.0)}
    other = {"dataset": "d" * 64, "noise": "another"}
    Store(tmp_path).write(make_victim("em-fu22", "resnet18", 0.0, 1, 10.0, digests=other))
    found = ask(cells | {("em-fu22", 0.0): (10.0,)}, works_by=20, **LOST)
    assert (found.seeds, found.left_out, found.dead) == ((0,), (1, 2), ())
    unmeasured = ask({}, works_by=20, **LOST | {"first": {"method": "random", "rho_a": 4}})
    assert '\'methods=["random","clean"]\'' in unmeasured.command
    assert "'radii=[4,0]'" in unmeasured.command


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((20.0,), "undecided: about 2 more seeds"),
        ((60.0, 89.0, 80.0), "undecided: about 4 more seeds"),
        ((89.0, 92.0, 92.0), "undecided: more than 100 further seeds"),
    ],
)
def test_the_seeds_that_would_decide_are_told(ask: Ask, values: tuple[float, ...], text: str) -> None:
    assert verdict_text(ask(two(values, (90.0, 91.0, 92.0)))) == text


def test_the_page_the_json_and_the_csv_are_there_where_claims_are(
    tmp_path: Path, ask: Ask, make_victim: Callable[..., VictimRecord]
) -> None:
    ask(two((20.0, 21.0, 22.0), (90.0, 91.1, 92.0)))
    text = leaderboard.render(tmp_path)["claims.md"]
    assert "| Made up |         1 |            0 |         0 |            0 |" in text
    assert "em-fu22 (rho_a 0) - clean (rho_a 0): below 0" in text
    assert "seeds added because an answer was undecided" in text
    assert "([claims.toml](claims.toml))" in text
    elsewhere = leaderboard.render(tmp_path, tmp_path / "releases" / "one")["claims.md"]
    assert "(claims.toml)" in elsewhere
    assert "](" not in elsewhere
    (tmp_path / FILE).unlink()
    assert "claims.md" not in leaderboard.render(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[claim", r"cannot read .*claims\.toml"),
        (SCALE + CLAIM + 'typo = "x"', r"claims\.toml: claim\.0: unknown key 'typo'; one of: by, first"),
        (SCALE + CLAIM.replace('second = { method = "clean" }', ""), "needs either `second` or `value`"),
        (SCALE + CLAIM.replace("lower", "within"), "says `within`, so it needs `by`"),
        (SCALE + CLAIM.replace("lower", "times"), "`times` needs `by`, and compares costs"),
        (SCALE + CLAIM.replace('["test"]', '["tset"]'), "one names tset, which no scale has"),
        (SCALE + CLAIM + 'victims = ["mixer"]', "one names mixer, which no scale has"),
        (SCALE + CLAIM + "works_by = 0", r"claim\.0\.works_by: must be above 0"),
        (SCALE + CLAIM + "works_by = 20", "`works_by` is for accuracies of victims of a noise that is known to work"),
        (SCALE + CLAIM.replace('"em-fu22"', '"clean", rho_a = 4') + "works_by = 20", "`first` must be such a victim"),
        (
            SCALE
            + CLAIM.replace('" }', '", measure = "seconds" }').replace("lower", "times")
            + "by = 2\nworks_by = 20",
            "`first` must be such a victim",
        ),
        (SCALE + CLAIM + CLAIM, "several claims are called one"),
        (SCALE + CLAIM.replace('"em-fu22"', '"a`<b>`"'), r"claim\.0\.first\.method: must match"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(RequestError, match=message) as found:
        load_claims(tmp_path)
    assert "\n" not in str(found.value)


def test_a_byte_order_mark_is_no_part_of_the_claims(tmp_path: Path) -> None:
    ours = Path(__file__).parents[3] / "results"
    (tmp_path / FILE).write_text((ours / FILE).read_text(encoding="utf-8"), encoding="utf-8-sig")
    assert load_claims(tmp_path) == load_claims(ours)


def shipped() -> Claims:
    claims = load_claims(ROOT / "results")
    assert claims
    return claims


LACKING = {  # what is compared can be named, but not measured
    "sem-shallow": "networks",
    "pretrained-undo-em": "a network with and without its weights",
}


def test_our_claims_name_what_there_is_or_say_what_is_lacking() -> None:
    for scale in shipped().scale:
        assert scale.dataset in NAMES
        assert all(parse_victim(victim) for victim in scale.victims.values())
    for claim in shipped().claim:
        sides = [side for side in (claim.first, claim.second) if side]
        known = all(
            side.method in METHODS and side.countermeasure in COUNTERMEASURES and side.training in TRAININGS
            for side in sides
        )
        assert known != bool(claim.lacks) or claim.name in LACKING, claim.name


def test_the_commands_of_our_claims_are_grids() -> None:
    grids = {answer.command for answer in answers(shipped(), [])} - {""}
    assert len(grids) > 50
    for command in grids:
        words = shlex.split(command)
        changes = [words[place + 1] for place, word in enumerate(words) if word == "--set"]
        grid, _ = load_grid("smoke", changes)
        assert len(grid.seeds) == 3


def test_every_claim_says_what_it_compares() -> None:
    said = {claim.name: criterion_text(claim) for claim in shipped().claim}
    assert said["em-collapses"] == "em-fu22 (rho_a 4) - clean (rho_a 4): from -5 to 5, noises taking 20"
    assert said["sem-shallow"] == "sem-liu24 (rho_a 0) - 52.6: from -5 to 5"
    assert said["sem-costs-less"] == "rem-fu22 (image-passes) / sem-liu24 (image-passes): at least 2"


def test_published_values_are_claims_at_the_papers_scales() -> None:
    ours = shipped()
    added = {claim.name: claim for claim in with_published(ours).claim[len(ours.claim) :]}
    assert len(added) > 150
    by_text = {(claim.first.method, claim.first.rho_a, claim.source[:4], claim.scales) for claim in added.values()}
    assert ("rem-fu22", 4.0, "Sada", ("paper",)) in by_text
    for name, value, lacks in (("mi-ue-zhu26", 70.56, None), ("tue", 84.10, "the method tue")):
        (found,) = (one for one in added.values() if one.first == Side(method=name, rho_a=8))
        assert (found.value, found.by, found.lacks) == (value, 5, lacks)
    assert all(claim.scales[0] in {"paper", "cifar100", "imagenet", "svhn"} for claim in added.values())


def test_published_values_have_names_of_their_own(tmp_path: Path) -> None:
    paper = SCALE.replace('"synthetic"', '"cifar10"').replace('"test-v1"', '"paper-v1"')
    (tmp_path / FILE).write_text(paper + paper.replace('name = "test"', 'name = "again"'))
    claims = load_claims(tmp_path)
    assert claims
    assert len({claim.name for claim in with_published(claims).claim}) > 100
    (tmp_path / FILE).write_text(paper + CLAIM.replace('"one"', '"published-7"'))
    with pytest.raises(RequestError, match=r"the name published-7 is kept for published values; choose another"):
        leaderboard.render(tmp_path)


def test_a_measured_cell_answers_its_published_value(tmp_path: Path, make_victim: Callable[..., VictimRecord]) -> None:
    store, place = Store(tmp_path), {"dataset": "cifar10", "protocol": "paper-v1"}
    for seed, accuracy in enumerate((47.0, 48.0, 49.0)):
        store.write(make_victim("rem-fu22", "resnet18", 4.0, seed, accuracy, cell=place))
    found = answers(shipped(), groups(load_records(tmp_path)))
    values = {answer.claim.value: answer.verdict for answer in found if answer.seeds and answer.claim.value}
    assert values == {48.16: "confirmed", 39.45: "contradicted"}
