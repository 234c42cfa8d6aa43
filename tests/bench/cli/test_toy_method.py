"""A method is one file: a package adds one by an entry point, and every command knows it."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

METHOD = '''
"""Noise that is one shade per class."""

from attacks.core.settings import OwnTable
from attacks.recipes.drawn import Drawn
from attacks.spec import Method


class Shades(OwnTable):
    table = "toy-doe26"
    strength: int = 1


def shades(task):
    strength = Shades.of(task.settings).strength
    return (strength * (task.labels % 3 - 1)).char()[:, None, None, None].expand(task.images.shape).contiguous()


TOY = Method(
    name="toy-doe26",
    title="one shade per class",
    bound="L-inf 1",
    source="this test",
    recipe=Drawn(draw=shades, reads=(Shades,)),
)
'''
ENSEMBLE = '''
"""Sign steps on checkpoints, whose numbers have no defaults."""

from attacks.core.numbers import EnsembleNumbers
from attacks.recipes.self_ensemble import SelfEnsemble
from attacks.spec import Method


class Votes(EnsembleNumbers):
    table = "votes-doe26"


VOTES = Method(
    name="votes-doe26",
    title="sign steps on checkpoints",
    bound="L-inf rho_u",
    source="this test",
    recipe=SelfEnsemble(table=Votes, target=lambda labels, classes: (labels + 1) % classes),
)
'''


@pytest.fixture
def toy(install: Callable[..., None]) -> None:
    """Install a package with one method."""
    install({"toy_doe26.py": METHOD}, "[unlearnable_bench.methods]\ntoy = toy_doe26:TOY\n")


@pytest.mark.usefixtures("toy")
def test_a_method_in_one_file_is_listed_planned_run_and_ranked(
    empty: SimpleNamespace, command: Callable[[list[str]], SimpleNamespace]
) -> None:
    assert "toy-doe26" in command(["list", "methods"]).out
    asked = ("--set", "methods=clean,toy-doe26", "--set", "radii=[0]")
    assert "toy-doe26/resnet18-w8/r0-s0" in empty.do("plan", "--rows", *asked).out
    run = empty.run(*asked)
    assert run.status == 0, run.err
    record = json.loads(empty.record("noise/*/toy-doe26/*.json").read_text())
    assert record["metrics"]["linf"] == 1.0
    assert record["cell"]["numbers"] == {"noise.toy-doe26": {"strength": 1}}
    assert "toy-doe26" in run.out
    for name in ("leaderboard.md", "leaderboard.csv"):
        assert "toy-doe26" in (empty.results / name).read_text()


@pytest.mark.usefixtures("toy")
def test_its_numbers_lie_in_the_protocol_and_in_the_keys_of_its_cells(empty: SimpleNamespace) -> None:
    asked = ("--set", "methods=clean,toy-doe26", "--set", "radii=[0]")
    assert empty.run(*asked).status == 0
    changed = (*asked, "--set", "setup.noise.toy-doe26.strength=2")
    rows = empty.do("plan", "--rows", *changed).out.splitlines()[-4:]
    states = {row.split("/")[1]: row.split()[-1] for row in rows}
    assert states == {"clean": "done", "toy-doe26": "do"}
    assert empty.run(*changed).status == 0
    records = [json.loads(path.read_text()) for path in empty.results.glob("noise/*/toy-doe26/*.json")]
    assert sorted(record["metrics"]["linf"] for record in records) == [1.0, 2.0]
    refused = empty.do("plan", *asked, "--set", "setup.noise.toy-doe26.strenght=2")
    assert refused.status == 2
    assert "unknown key 'strenght'; did you mean 'strength'" in refused.err


def test_a_method_whose_numbers_a_protocol_lacks_is_listed(
    install: Callable[..., None], command: Callable[[list[str]], SimpleNamespace]
) -> None:
    install({"votes_doe26.py": ENSEMBLE}, "[unlearnable_bench.methods]\nvotes = votes_doe26:VOTES\n")
    listed = command(["list", "methods"])
    assert listed.status == 0, listed.err
    (row,) = (line for line in listed.out.splitlines() if line.startswith("votes-doe26"))
    assert row.split().count("?") == 2


@pytest.mark.usefixtures("toy")
def test_the_committed_records_stay_right_beside_it(command: Callable[[list[str]], SimpleNamespace]) -> None:
    validated = command(["validate", "--results", str(Path(__file__).parents[3] / "results")])
    assert validated.status == 0
    assert " 0 problems" in validated.err
