"""Additions to the project leave every committed record valid, and a correction makes only its own cells due."""

import io
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import pytest
from pydantic import Field, create_model

from attacks import methods as methods_module
from attacks.core.errors import RequestError
from attacks.core.settings import NoiseSettings, OwnTable, Section
from attacks.methods import METHODS
from attacks.recipes.drawn import Drawn
from attacks.recipes.surrogate_loop import SurrogateLoop
from attacks.spec import Method
from bench.config import load
from bench.config.load import load_grid, load_protocol
from bench.config.models import Protocol, Setup
from bench.data import Places
from bench.records import schema
from bench.records.frame import load_records
from bench.records.store import Store
from bench.report.csv import csv_text
from bench.report.summary import groups
from bench.report.tables import build_tables
from bench.run.plan import Plan, make_plan
from bench.run.todo import partition
from bench.validation.validate import validate
from victims.countermeasures import COUNTERMEASURES
from victims.countermeasures.spec import Countermeasure
from victims.recipes import TRAININGS
from victims.recipes.supervised import SUPERVISED

RESULTS = Path(__file__).parents[3] / "results"
Change = Callable[[pytest.MonkeyPatch], None]


class Feature(OwnTable):
    """A table of numbers that a new component reads."""

    table: ClassVar[str] = "feature"
    steps: int = 5
    rate: float | None = None


def as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Change nothing."""


def a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add an optional number to the shared numbers of noises, victims, views and networks."""
    setup: dict[str, Any] = {"more": (int | None, None)}
    for name in ("augment", "noise", "victim"):
        kind = Setup.model_fields[name].annotation
        changed = create_model(kind.__name__, __base__=kind, more=(int | None, None))
        setup[name] = (changed, changed() if name == "augment" else ...)
    with_setup(monkeypatch, **setup)


def a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add a table with defaults to the shared numbers, for a new recipe."""
    noise = create_model("NoiseSettings", __base__=NoiseSettings, feature=(Feature, Feature()))
    with_setup(monkeypatch, noise=(noise, ...))
    recipe = Loop(views=False, robust_update=False)
    monkeypatch.setitem(METHODS, "feature-doe26", replace(METHODS["em-fu22"], name="feature-doe26", recipe=recipe))
    found = load_protocol("smoke-v1").setup.noise
    assert "feature" not in found.numbers()
    assert Feature.of(found).steps == 5


class Loop(SurrogateLoop):
    """A recipe that reads a table of its own."""

    reads = (*METHODS["em-fu22"].recipe.reads, Feature)


def with_setup(monkeypatch: pytest.MonkeyPatch, **fields: Any) -> None:
    """Give protocols a setup model with these fields."""
    setup = create_model("Setup", __base__=Setup, **fields)
    datasets = (dict[str, setup], Field(default_factory=dict))
    protocol = create_model("Protocol", __base__=Protocol, setup=(setup, ...), datasets=datasets)
    monkeypatch.setattr(load, "Protocol", protocol)


def a_method(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add a method with numbers of its own."""
    method = Method(name="new-doe26", title="", bound="", source="", recipe=Drawn(draw=len, reads=(Feature,)))
    monkeypatch.setattr(methods_module, "METHODS", METHODS | {method.name: method})


def a_countermeasure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add a countermeasure with numbers of its own."""
    monkeypatch.setitem(COUNTERMEASURES, "new", Countermeasure(name="new", title="", source="", reads=(Feature,)))


def a_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add a training recipe with numbers of its own."""
    reads = (*SUPERVISED.reads, Feature)
    monkeypatch.setitem(TRAININGS, "new", replace(SUPERVISED, name="new", reads=reads))


def a_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add a metric of victims and one of noises."""
    for kind, field in ((schema.VictimRecord, schema.Metrics), (schema.NoiseRecord, schema.NoiseMetrics)):
        metrics = create_model(field.__name__, __base__=field, more=(float | None, None))
        changed = create_model(kind.__name__, __base__=kind, metrics=(metrics | None, None))
        monkeypatch.setattr(schema, kind.__name__, changed)


CHANGES = (as_it_is, a_number, a_table, a_method, a_countermeasure, a_training, a_metric)


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_added_leaves_the_committed_records_right(change: Change, monkeypatch: pytest.MonkeyPatch) -> None:
    change(monkeypatch)
    found = validate(RESULTS)
    assert [str(finding) for finding in found.findings if not finding.warning] == []
    assert len(found.subjects) >= 461


@pytest.mark.parametrize("change", CHANGES[1:6])
def test_what_is_added_makes_nothing_due(change: Change, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    done = done_of(committed(tmp_path))
    assert done
    change(monkeypatch)
    assert done_of(committed(tmp_path)) == done


def done_of(plan: Plan) -> set[str]:
    """Return the cells of a plan that have committed records, made by the current versions of all that they use."""
    return {job.cell.label for job in partition(plan.jobs, Store(RESULTS)).done}


def committed(root: Path) -> Plan:
    """Return a plan of some of the cells whose records are committed."""
    asked = ["methods=clean,random,em-fu22,em-huang21,lsp-yu22,ar-sandoval22", "victims=resnet18-w8", "seeds=[1,2]"]
    return make_plan(*load_grid("smoke", [*asked, "radii=[0,4]"]), Places(data=root, cache=root / "cache"))


@pytest.mark.parametrize("name", ["ar-sandoval22", "lsp-yu22"])
def test_a_method_that_is_corrected_is_due_and_no_other(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The table keeps every row and marks the older ones, also after one of its victims is rerun."""
    before, marked, done = lines(RESULTS), older(RESULTS), done_of(committed(tmp_path))
    corrected = replace(METHODS[name], version=METHODS[name].version + 1)
    monkeypatch.setattr(methods_module, "METHODS", METHODS | {name: corrected})
    plan, results = committed(tmp_path), shutil.copytree(RESULTS, tmp_path / "results")
    todo = partition(plan.jobs, Store(results))
    assert done - done_of(plan) == {job.cell.label for job in plan.jobs if job.cell.method == name}
    assert {method for method, _ in older(results) - marked} == {name}  # at once
    assert unmarked(lines(results)) == unmarked(before)

    ours = [job for job in todo.missing if (job.cell.method, job.cell.seed) == (name, 1)]
    noise, victim = (job for job in ours if getattr(job.cell, "rho_a", 0) == 0)
    old = {record.cell.label: record for record in Store(RESULTS).all()}
    for job in (noise, victim):
        Store(results).write(old[job.cell.label].model_copy(update={"cell": job.cell}))
    after = lines(results)
    assert list(after) == list(before)
    changed = {cell for cell, numbers in after.items() if own(numbers) != own(before[cell])}
    assert {method for method, *_ in changed} == {name}
    assert {method for method, _ in older(results) - marked} == {name}
    assert validate(results).problems == 0


def older(results: Path) -> set[tuple[str, str]]:
    """Return the methods and keys of the records that are marked as older."""
    found = load_records(results)
    return set(found.loc[found["older"], ["method", "key"]].itertuples(index=False, name=None))


def own(line: dict[str, Any]) -> dict[str, Any]:
    """Return a line of the leaderboard without what depends on other methods: the pool's limits, and ranks."""
    return {name: text for name, text in line.items() if "minus_clean95" not in name and not name.endswith("_rank")}


def unmarked(table: dict[tuple[str, ...], dict[str, Any]]) -> dict[tuple[str, ...], dict[str, Any]]:
    """Return the lines of a leaderboard without what says which records are older."""
    return {cell: {name: text for name, text in line.items() if name != "older"} for cell, line in table.items()}


def lines(results: Path) -> dict[tuple[str, ...], dict[str, Any]]:
    """Return the leaderboard, one line per cell."""
    found = groups(load_records(results))
    text = csv_text(found, build_tables(found))
    table = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    by = [
        "method",
        "victim",
        "training",
        "rho_a",
        "countermeasure",
        "share",
        "part",
        "dataset",
        "protocol",
        "precision",
    ]
    return {tuple(str(line[name]) for name in by): line for line in table.to_dict("records")}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[setup.noise.featur]\nsteps = 3", "setup.noise: unknown key 'featur'; did you mean 'feature'"),
        ("[setup.noise.feature]\nstps = 3", "setup.noise.feature: unknown key 'stps'; did you mean 'steps'"),
        ("[setup.noise.feature]\nsteps = 'x'", "setup.noise.feature: steps: "),
        ("[setup.countermeasure.featur]\nsteps = 3", "setup.countermeasure: unknown key 'featur'"),
        ("[setup.victim.feature]\nsteps = 3", "setup.victim: unknown key 'feature'"),
        ("[setup.nosie.feature]\nsteps = 3", "setup: unknown key 'nosie'; did you mean 'noise'"),
    ],
)
def test_a_wrong_table_of_a_component_is_refused(
    text: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    a_method(monkeypatch)
    with pytest.raises(RequestError) as caught:
        load_protocol(written(tmp_path, text))
    assert said in str(caught.value)


def written(root: Path, text: str) -> str:
    """Write a protocol with the numbers of a shipped one and some more."""
    shipped = Path(load.__file__).with_name("protocols") / "smoke-v1.toml"
    path = root / "mine.toml"
    path.write_text(shipped.read_text().replace('name = "smoke-v1"', 'name = "mine"') + f"\n{text}\n")
    return str(path)


def test_a_components_own_numbers_are_in_its_keys_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    a_method(monkeypatch)
    a_countermeasure(monkeypatch)
    a_training(monkeypatch)
    grid, _ = load_grid("smoke", ["datasets=cifar10", "methods=new-doe26,em", "radii=[0]", "victims=resnet18"])
    grid = grid.model_copy(update={"countermeasures": ("standard", "new"), "trainings": ("supervised", "new")})

    def cells(text: str) -> dict[tuple[str, str, str], str]:
        protocol = load_protocol(written(tmp_path, text))
        jobs = make_plan(grid, protocol, Places(data=tmp_path, cache=tmp_path / "cache")).jobs
        names = ("method", "training", "countermeasure")
        return {tuple(getattr(job.cell, name, "") for name in names): job.cell.key for job in jobs}

    before = cells("")
    assert len(before) == 2 * (1 + 4)
    for place, (section, name) in enumerate((("noise", "new-doe26"), ("victim", "new"), ("countermeasure", "new"))):
        assert cells(f"[setup.{section}.feature]\nsteps = 5") == before  # the same as the default
        after = cells(f"[setup.{section}.feature]\nsteps = 6")
        changed = {cell for cell, key in after.items() if key != before[cell]}
        assert changed == {cell for cell in before if cell[place] == name}


def test_set_reaches_a_components_own_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    a_method(monkeypatch)
    changed = load_protocol("smoke-v1", ["setup.noise.feature.steps=7"])
    assert Feature.of(changed.setup.noise).steps == 7
    assert changed.name.startswith("smoke-v1+")
    assert isinstance(changed.setup.noise, Section)
