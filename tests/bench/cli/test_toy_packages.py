"""A package adds a countermeasure, a training recipe and a dataset by entry points, and every command knows them."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

COUNTERMEASURE = '''
"""Images turned upside down."""

from victims.countermeasures.spec import Countermeasure, stateless

TOY = Countermeasure(
    name="toy-flip", title="upside down", source="this test", prepare=stateless(lambda images: images.flip(2))
)
'''
TRAINING = '''
"""Half of the steps."""

from victims.recipes.spec import Stage, TrainingRecipe

TOY = TrainingRecipe(
    name="toy-half",
    title="half of the steps",
    source="this test",
    stages=lambda numbers: (Stage(steps=numbers.steps // 2, batch=numbers.batch, optimiser=numbers.sgd),),
)
'''
DATASET = '''
"""Random images."""

import numpy as np

from bench.data.dataset import Dataset, Split


class Toy:
    name = "toy-dots"
    title = "dots"
    source = "this test"
    shape = (3, 8, 8)
    view = 8
    classes = 2
    train = 30
    test = 10

    def identity(self, places):
        return "toy-dots/1"

    def notes(self, places):
        return ("toy images",)

    def check(self, places):
        pass

    def load(self, places, progress=None):
        random = np.random.default_rng(0)
        pixels = random.integers(0, 256, (40, 3, 8, 8), dtype=np.uint8)
        train, test = (Split(images=part, labels=np.arange(len(part)) % 2) for part in (pixels[:30], pixels[30:]))
        return Dataset(name=self.name, classes=("a", "b"), train=train, test=test)


TOY = Toy()
'''
FILES = {"toy_countermeasure.py": COUNTERMEASURE, "toy_training.py": TRAINING, "toy_dataset.py": DATASET}
POINTS = "".join(
    f"[unlearnable_bench.{kind}s]\ntoy = toy_{kind}:TOY\n" for kind in ("countermeasure", "training", "dataset")
)
KINDS = [("countermeasure", "countermeasure"), ("training", "training recipe"), ("dataset", "dataset")]

Command = Callable[[list[str]], SimpleNamespace]


def test_each_is_listed(install: Callable[..., None], command: Command) -> None:
    install(FILES, POINTS)
    for kind, name in (("countermeasures", "toy-flip"), ("trainings", "toy-half"), ("datasets", "toy-dots")):
        assert name in command(["list", kind]).out


def test_each_is_planned_run_and_shown(install: Callable[..., None], empty: SimpleNamespace) -> None:
    install(FILES, POINTS)
    asked = ("--set", "methods=clean", "--set", "radii=[0]", "--set", "datasets=toy-dots")
    asked += ("--set", "countermeasures=standard,toy-flip", "--set", "trainings=supervised,toy-half")
    plan = empty.do("plan", "--rows", *asked).out
    assert "toy-dots/clean/resnet18-w8/r0-s0-toy-half-toy-flip" in plan
    assert "toy-dots: toy images" in plan
    run = empty.run(*asked)
    assert run.status == 0, run.err
    table = (empty.results / "leaderboard.md").read_text()
    assert "toy-flip" in table
    assert "toy-half" in table


def test_the_committed_records_stay_right_beside_them(install: Callable[..., None], command: Command) -> None:
    install(FILES, POINTS)
    validated = command(["validate", "--results", str(Path(__file__).parents[3] / "results")])
    assert validated.status == 0
    assert " 0 problems" in validated.err


@pytest.mark.parametrize(("group", "kind"), KINDS)
@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("1 / 0", "{kind} toy:TOY cannot be loaded (division by zero); fix or uninstall the package"),
        ("TOY = 3", "entry point toy:TOY is not a valid {kind}; fix or uninstall the package"),
    ],
)
def test_what_is_none_is_refused_in_one_line(
    group: str, kind: str, file: str, said: str, install: Callable[..., None], command: Command
) -> None:
    install({"toy.py": file}, f"[unlearnable_bench.{group}s]\ntoy = toy:TOY\n")
    listed = command(["list", f"{group}s"])
    assert listed.status == 2
    assert said.format(kind=kind) in listed.err
    assert listed.err.endswith("fix or uninstall the package\n")
    assert len(listed.err.splitlines()) == 1


@pytest.mark.parametrize(("group", "kind"), KINDS)
def test_a_name_that_is_taken_is_refused(group: str, kind: str, install: Callable[..., None], command: Command) -> None:
    ours = {"countermeasure": "cutout", "training": "supervised", "dataset": "cifar10"}[group]
    file = FILES[f"toy_{group}.py"]
    for name in ("toy-flip", "toy-half", "toy-dots"):
        file = file.replace(name, ours)
    install({f"taken_{group}.py": file}, f"[unlearnable_bench.{group}s]\ntoy = taken_{group}:TOY\n")
    listed = command(["list", f"{group}s"])
    assert listed.status == 2
    assert (
        listed.err == f"error: {kind} {ours!r} of taken_{group}:TOY is already defined; fix or uninstall the package\n"
    )
