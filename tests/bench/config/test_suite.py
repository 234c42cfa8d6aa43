"""Suites: what the shipped ones contain, that they stay as released, and which requests are valid."""

from pathlib import Path

import pytest

from attacks.core.errors import RequestError
from bench.config.axes import FIELDS, TRAINER, place, without_method
from bench.config.load import shipped
from bench.config.models import digest_of
from bench.config.suite import RANKING, grids_of, load_suite
from bench.data.dataset import Places
from bench.run.plan import join_plans

RELEASED = {"strong-v1": "5b2b1ebcd1a8b4da"}
SUITE = """
title = "two trainers"
protocol = "smoke-v1"
methods = ["clean"]
[casts.smoke-v1]
dataset = "photo-patches"
victims = { resnet = "resnet18-w8" }
[[trainer]]
title = "standard"
kind = "standard"
reason = "first"
victim = "resnet"
rho_a = 0
[[trainer]]
title = "JPEG"
kind = "filter"
reason = "second"
victim = "resnet"
rho_a = 0
countermeasure = "jpeg-10"
"""


def write(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text)
    return str(path)


def refusal(name: str, *changes: str) -> str:
    with pytest.raises(RequestError) as caught:
        grids_of(name, changes)
    message = str(caught.value)
    assert "\n" not in message
    return message


def digest(name: str) -> str:
    """Return the digest of what decides a suite's headline: its trainers and the victims cast for them."""
    suite = load_suite(name)
    chosen = [{axis.field: getattr(one, axis.field) for axis in TRAINER} for one in suite.trainer]
    casts = {protocol: dict(cast.victims) for protocol, cast in suite.casts.items()}
    return digest_of({"trainers": chosen, "casts": casts})[:16]


def test_every_shipped_suite_is_released_and_frozen() -> None:
    found = {name: digest(name) for name in shipped("suites")}
    assert found == RELEASED, "a released suite has changed: put the change into a new version"


def test_the_ranking_suite_has_trainers_of_every_kind() -> None:
    suite = load_suite(RANKING)
    assert len(suite.trainer) >= 12
    kinds = {trainer.kind for trainer in suite.trainer}
    wanted = {"standard", "adversarial training", "image filter", "strong augmentation", "learned purification"}
    assert wanted | {"pretrained", "self-supervised", "other network"} == kinds
    assert {trainer.rho_a for trainer in suite.trainer} == {0, 4, 8}
    assert set(suite.casts) == {name.partition("+")[0] for name in shipped("protocols")}


@pytest.mark.parametrize("protocol", shipped("protocols"))
def test_trainers_are_the_cells_that_a_run_plans(protocol: str, tmp_path: Path) -> None:
    grids, known = grids_of(RANKING, [f"protocol={protocol}", "methods=[clean]"])
    jobs = join_plans(grids, known, Places(data=tmp_path, cache=tmp_path)).jobs
    cells = [job.cell for job in jobs if job.cell.kind == "victim"]
    planned = [without_method(place(**{name: getattr(cell, name) for name in FIELDS})) for cell in cells]
    trainers = load_suite(RANKING).trainers(protocol)
    assert planned == list(trainers)
    assert len(planned) == len(load_suite(RANKING).trainer)


def test_a_changed_protocol_keeps_its_cast() -> None:
    suite = load_suite(RANKING)
    _, protocol = grids_of(RANKING, ["protocol=smoke-v1", "setup.victim.steps=9"])
    assert protocol.name.startswith("smoke-v1+")
    assert suite.trainers(protocol.name) == suite.trainers("smoke-v1")
    assert not suite.trainers("mine")


def test_only_what_is_run_can_be_set(tmp_path: Path) -> None:
    grids, protocol = grids_of(write(tmp_path, SUITE), ["methods=[em,rem]", "seeds=[1,2]"])
    assert [(grid.methods, grid.seeds, grid.countermeasures) for grid in grids] == [
        (("em", "rem"), (1, 2), ("standard",)),
        (("em", "rem"), (1, 2), ("jpeg-10",)),
    ]
    assert protocol.name == "smoke-v1"
    assert {grid.name for grid in grids} == {"mine"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("victims=[resnet50]", ["--set victims", "fixed", "--only"]),
        ("seedz=[1]", ["'seedz'", "'seeds'"]),
        ("victim.steps=9", ["unknown key 'victim'", ", setup; numbers of the protocol begin with setup."]),
        ("seeds=[-1]", ["seeds", "-1"]),
        ("protocol=smoke-v2", ["'smoke-v2'", "'smoke-v1'"]),
        ("setup.victim.stepz=3", ["stepz", "'steps'"]),
    ],
)
def test_wrong_changes_are_refused(change: str, words: list[str]) -> None:
    message = refusal(RANKING, change)
    assert all(word in message for word in words), message


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('resnet = "resnet18-w8"', 'other = "resnet18-w8"', ["smoke-v1", "resnet"]),
        ('countermeasure = "jpeg-10"', "", ["the same"]),
        ('reason = "second"', "", ["reason"]),
        ('title = "two trainers"', 'title = "x"\nname = "strong-v1"', ["shipped", "rename"]),
        ("rho_a = 0\ncountermeasure", "rho_a = -1\ncountermeasure", ["rho_a", "-1"]),
    ],
)
def test_a_suite_that_cannot_be_is_refused(old: str, new: str, words: list[str], tmp_path: Path) -> None:
    assert old in SUITE
    message = refusal(write(tmp_path, SUITE.replace(old, new)))
    assert all(word in message for word in words), message


def test_a_protocol_without_victims_is_refused_with_what_gives_it_some(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(text := 'base = "paper-v1"\ntitle = "t"\n')
    message = refusal(RANKING, f"protocol={tmp_path}/mine.toml")
    assert message == (
        "suite 'strong-v1' has no victims for protocol 'mine', only for lite-v1, paper-v1, smoke-v1; call yours e.g. "
        "paper-v1+mine to use the victims of paper-v1, or add [casts.mine] to a suite of your own"
    )
    (tmp_path / "paper-v1+mine.toml").write_text(text)
    _, protocol = grids_of(RANKING, [f"protocol={tmp_path}/paper-v1+mine.toml"])
    suite = load_suite(RANKING)
    assert suite.trainers(protocol.name) == suite.trainers("paper-v1")
    own = tmp_path / "own.toml"
    own.write_text(SUITE.replace("casts.smoke-v1", "casts.mine").replace('"smoke-v1"', '"mine.toml"'))
    grids, protocol = grids_of(str(own))
    assert (len(grids), protocol.name) == (2, "mine")
    assert refusal(str(own), "protocol=lite-v1") == (
        "suite 'own' has no victims for protocol 'lite-v1', only for mine; add [casts.lite-v1] to a suite of your own"
    )


def test_a_protocol_that_is_given_is_not_looked_up_beside_the_suite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "suites").mkdir()
    for folder, title in ((tmp_path, "here"), (tmp_path / "suites", "beside the suite")):
        (folder / "smoke-v1+p.toml").write_text(f"title = '{title}'\nbase = 'smoke-v1'\n")
    name = write(tmp_path / "suites", SUITE.replace('protocol = "smoke-v1"', 'protocol = "smoke-v1+p.toml"'))
    monkeypatch.chdir(tmp_path)
    assert grids_of(name)[1].title == "beside the suite"
    assert grids_of(name, ["protocol=smoke-v1+p.toml"])[1].title == "here"
    assert grids_of(name, protocol="smoke-v1+p.toml")[1].title == "here"


def test_a_wrong_name_has_the_nearest(tmp_path: Path) -> None:
    assert "'strong-v1'" in refusal("strong")
    assert "no such file" in refusal(str(tmp_path / "none.toml"))
