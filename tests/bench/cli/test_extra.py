"""What works, and what a user sees, without the extra `run`."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from bench.run.devices import PACKAGES

ROOT = Path(__file__).parents[3]
DISTRIBUTIONS = {"sklearn": "scikit-learn", "skimage": "scikit-image", "PIL": "pillow"}
LINE = f"error: this command needs the extra `run`; run: pip install -e '{ROOT}[run]'"

# A module that is None cannot be imported. Matplotlib brings Pillow.
HIDDEN = """
import sys
sys.modules.update(dict.fromkeys({packages!r}))
import bench
from bench.cli import main
sys.exit({value})
"""
READABLE = ("clean", "sem-liu24")


def evaluated(value: str, folder: Path) -> tuple[str, list[str]]:
    """Evaluate Python with the extra hidden; return the value, as Python prints it, and the errors."""
    code = HIDDEN.format(packages=sorted(PACKAGES - {"PIL"}), value=value)
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    *errors, last = done.stderr.splitlines()
    return last, errors


def statuses(*commands: str, folder: Path) -> tuple[str, list[str]]:
    """Run commands with the extra hidden; return their exit statuses and the errors."""
    return evaluated(f"[main(command.split()) for command in {commands!r}]", folder)


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """A folder with a part of the committed records in `results`."""
    for part in ("noise", "records"):
        for name in READABLE:
            path = f"results/{part}/photo-patches/{name}"
            shutil.copytree(ROOT / path, tmp_path / path)
    return tmp_path


def test_commands_that_compute_name_the_extra_and_do_nothing(tmp_path: Path) -> None:
    places = f"--cache {tmp_path}/cache"
    commands = [f"run --device cpu {places}", f"plan {places}", f"profile {places}"]
    assert statuses(*commands, folder=tmp_path) == ("[2, 2, 2]", [LINE] * 3)
    assert not list(tmp_path.iterdir())


def test_commands_that_read_work(records: Path) -> None:
    commands = [
        "leaderboard",
        "leaderboard --check",
        "plot --format png --cache cache",
        "cite sem-liu24",
        "list methods",
        "list reported",
        "list victims",
    ]
    status, errors = statuses(*commands, folder=records)
    assert status == "[0, 0, 0, 0, 0, 0, 0]", errors
    assert "sem-liu24" in (records / "results/leaderboard.csv").read_text()
    assert list(records.glob("results/plots/*/strongest_trainer.png"))


def test_validate_names_the_extra_since_it_plans_cells(records: Path) -> None:
    assert statuses("validate", folder=records) == ("[2]", [LINE])


def test_records_can_be_loaded(records: Path) -> None:
    found, errors = evaluated("sorted(set(bench.load_records().method))", records)
    assert found == str(list(READABLE)), errors


def test_the_extra_is_what_the_package_declares() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {line.partition(">")[0] for line in project["optional-dependencies"]["run"]}
    assert declared == {DISTRIBUTIONS.get(name, name) for name in PACKAGES}
    assert not declared & {line.partition(">")[0] for line in project["dependencies"]}
