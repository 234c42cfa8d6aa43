"""`--decide` from the command line: only cells that could settle something, cheapest first, within the budget."""

from pathlib import Path
from typing import Any

import pytest

from bench.records.schema import VictimRecord
from bench.records.store import Store

Bench = Any  # the classes in conftest.py

SUITE = """
name = "duo"
title = "two trainers"
protocol = "tiny-v1.toml"
methods = ["clean", "em"]
seeds = [0, 1, 2]
[casts.tiny-v1]
dataset = "folder:{images}"
victims = {{ resnet = "resnet18-w8" }}
[[trainer]]
title = "adversarial training"
kind = "adversarial training"
reason = "first"
victim = "resnet"
rho_a = 4
[[trainer]]
title = "standard training"
kind = "standard"
reason = "second"
victim = "resnet"
rho_a = 0
"""
SCALE = """
[[scale]]
name = "dots"
title = "dots"
dataset = "dots"
protocol = "tiny-v1"
victims = { resnet = "resnet18-w8" }
"""
# compared with a value, so that three seeds decide it whatever their accuracies
CLAIM = """
[[claim]]
name = "{name}"
source = "a test"
grade = "C"
text = "EM leaves less than everything at radius {rho_a}."
first = {{ method = "em-fu22", rho_a = {rho_a} }}
value = 100
says = "lower"
scales = ["dots"]
"""
DAY = 86400.0


@pytest.fixture
def undecided(empty: Bench, images: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """One seed of EM at both trainers, one of which took a day, as its record says, and a claim about each."""
    protocol = empty.root / "tiny-v1.toml"
    protocol.write_text(protocol.read_text().replace("attack = { steps = 1", "attack = { steps = 80", 1))
    (empty.root / "duo.toml").write_text(SUITE.format(images=images))
    empty.results.mkdir()
    claims = [CLAIM.format(name=name, rho_a=rho_a) for name, rho_a in (("dear", 4), ("cheap", 0))]
    (empty.results / "claims.toml").write_text("".join([SCALE, *claims]))
    monkeypatch.chdir(empty.root)  # so that its `results` are the published ones
    first = empty.carry_out(words(empty, "run", "--set", "seeds=0", "--set", "methods=em"))
    assert first.status == 0, first.err
    (dear,), store = (record for record in victims(empty) if record.cell.rho_a), Store(empty.results)
    costs = dear.costs | {"training": dear.costs["training"].model_copy(update={"seconds": DAY})}
    store.path(dear.cell).unlink()  # a finished record is not overwritten
    store.write(dear.model_copy(update={"costs": costs}))
    return empty


def words(bench: Bench, command: str, *more: str) -> list[str]:
    found: list[str] = bench.words(command, *more)
    place = found.index("--grid")
    return [*found[:place], "--suite", "duo.toml", *found[place + 2 :]]


def victims(bench: Bench) -> list[VictimRecord]:
    return [record for record in Store(bench.results).all() if isinstance(record, VictimRecord)]


def claims_in(text: str) -> list[str]:
    """Return the claims that are listed as open, in order."""
    return [line.split()[1].rstrip(",") for line in text.splitlines() if line.startswith("claim ")]


def test_the_cheapest_is_settled_first_and_nothing_begun_that_the_budget_does_not_hold(undecided: Bench) -> None:
    planned = undecided.carry_out(words(undecided, "plan", "--decide"))
    assert planned.status == 0, planned.err
    assert "unknown" not in planned.out  # the first seed shows the speed of this machine
    assert claims_in(planned.out) == ["cheap", "dear"]
    ended = undecided.carry_out(words(undecided, "run", "--decide", "--budget", "1d"))  # two more seeds take two
    assert ended.status == 0, ended.err
    assert sorted(ended.began) == [
        f"dots/em-fu22/{of}{seed}" for of in ("noise/s", "resnet18-w8/r0-s") for seed in (1, 2)
    ]
    assert claims_in(ended.err) == ["dear"]
    seeds = {(record.cell.rho_a, record.cell.seed) for record in victims(undecided)}
    assert seeds == {(0, 0), (0, 1), (0, 2), (4, 0)}


def test_a_noise_that_cannot_be_regenerated_is_tried_once_and_its_cells_are_missing(undecided: Bench) -> None:
    made = undecided.carry_out(
        words(undecided, "run", "--set", "seeds=[1,2]", "--set", "methods=em", "--only", "noise")
    )
    assert made.status == 0, made.err
    for noise in undecided.cache.glob("noise/dots/em-fu22/*.safetensors"):
        noise.unlink()
    ended = undecided.carry_out(words(undecided, "run", "--decide", "--time-limit", "0.000001"))
    assert ended.status == 1
    assert sorted(ended.began) == ["dots/em-fu22/noise/s1", "dots/em-fu22/noise/s2"]
    assert "No further cell of this plan could settle an open comparison" in ended.err
    assert (
        ended.err.splitlines()[-1]
        == "2 still missing: their noise could not be regenerated, or differs from its record"
    )
