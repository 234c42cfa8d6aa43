"""The one list of axes: its readers agree with the model of a cell, and a new axis is one entry and one field."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.config.axes import AXES, FIELDS, page_axes, place
from bench.config.models import Exclusion, Grid, VictimCell

ROOT = Path(__file__).parents[3]
NEW = """    Axis(
        field="smoothing",
        listed="smoothings",
        kind=Share,
        dtype="int64",
        usual=0,
        label="ls{}",
        table="Label smoothing",
        words=Words(head="smoothing", facet="Smoothing", short="smoothing {}", long="label smoothing {}"),
    ),
)
AXIS: Mapping"""


def test_every_axis_is_a_field_of_a_cell_with_the_same_usual_value() -> None:
    fields = VictimCell.model_fields
    assert {axis.field for axis in AXES} == set(fields) - {"protocol", "inputs", "numbers", "kind"}
    assert {axis.field: axis.usual for axis in AXES} == {
        axis.field: None if fields[axis.field].is_required() else fields[axis.field].default for axis in AXES
    }


def test_grids_and_exclusions_have_a_field_for_each_axis() -> None:
    assert set(Exclusion.model_fields) == {axis.field for axis in AXES} - {"part"}
    assert set(Grid.model_fields) - {"name", "title", "protocol", "exclude"} == {
        *("datasets", "methods", "victims", "trainings", "radii", "countermeasures", "shares", "seeds")
    }


def test_a_place_has_the_usual_values_where_none_is_given() -> None:
    assert place(method="m", victim="v", rho_a=4.0) == ("m", "v", "supervised", 4.0, "standard", 100, "all")
    assert [axis["id"] for axis in page_axes()] == list(FIELDS)


@pytest.mark.slow
def test_a_new_axis_is_one_entry_and_one_field(tmp_path: Path) -> None:
    """Existing keys stay as they are, and grids, labels, exclusions, frames, CSV and tables have the new axis."""
    for name in ("attacks", "victims", "bench"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    replace(tmp_path / "bench/config/axes.py", ")\nAXIS: Mapping", NEW)
    part = '    part: Part = usual_of("part")\n'
    replace(tmp_path / "bench/config/models.py", part, f'{part}    smoothing: Share = usual_of("smoothing")\n')
    lists = ["--set", "smoothings=0,10", "--set", "exclude=[{smoothing = 10, rho_a = 4}]"]
    words = ["--grid", "smoke", "--results", str(ROOT / "results"), "--cache", "cache", "--data", "data"]
    plan = run(tmp_path, "plan", "--rows", *words, *lists)
    assert "s0-ls10 " in plan
    assert "r4-s0-ls10" not in plan
    before = run(
        ROOT, "plan", "--rows", *words[:4], "--cache", str(tmp_path / "cache"), "--data", str(tmp_path / "data")
    )
    done = {tuple(line.split()) for line in before.splitlines() if line.endswith("done")}
    assert done
    assert done <= {tuple(line.split()) for line in plan.splitlines()}
    assert "0 problems" in run(tmp_path, "validate", "--results", str(ROOT / "results"))

    records = tmp_path / "runs"
    shutil.copytree(ROOT / "results/noise", records / "noise")
    shutil.copytree(ROOT / "results/records", records / "records")
    write = (
        "from pathlib import Path; from bench.records.store import Store; s = Store(Path('runs'))\n"
        "r = next(r for r in s.all() if r.cell.kind == 'victim' and r.cell.method == 'clean')\n"
        "s.write(r.model_copy(update={'cell': r.cell.model_copy(update={'smoothing': 10})}))"
    )
    subprocess.run([sys.executable, "-c", write], cwd=tmp_path, check=True)
    run(tmp_path, "leaderboard", "--results", "runs")
    head, *lines = (records / "leaderboard.csv").read_text().splitlines()
    column = head.split(",").index("smoothing")
    assert {line.split(",")[column] for line in lines} == {"0", "10"}
    titles = {table["title"] for table in json.loads((records / "leaderboard.json").read_text())["tables"]}
    assert [title for title in titles if title.startswith("Label smoothing: ")]
    page = (records / "index.html").read_text()
    assert '"facet":"Smoothing"' in page


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def run(folder: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "bench", *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
