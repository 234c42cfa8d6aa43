"""What works, and what a user sees, without the extra `run`."""

import subprocess
import sys
import tomllib
from pathlib import Path

from bench.run.devices import PACKAGES

ROOT = Path(__file__).parents[3]
DISTRIBUTIONS = {"sklearn": "scikit-learn", "skimage": "scikit-image", "PIL": "pillow"}
LINE = f"error: this command needs the extra `run`; run: pip install -e '{ROOT}[run]'"

# A module that is None cannot be imported. Matplotlib brings Pillow.
HIDDEN = """
import sys
sys.modules.update(dict.fromkeys({packages!r}))
from bench.cli import main
sys.exit([main(command.split()) for command in {commands!r}])
"""


def statuses(*commands: str, folder: Path) -> tuple[str, list[str]]:
    """Run commands with the extra hidden; return their exit statuses, as Python prints them, and the errors."""
    code = HIDDEN.format(packages=sorted(PACKAGES - {"PIL"}), commands=commands)
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    *errors, last = done.stderr.splitlines()
    return last, errors


def test_commands_that_compute_name_the_extra_and_do_nothing(tmp_path: Path) -> None:
    places = f"--cache {tmp_path}/cache"
    commands = [f"run --device cpu {places}", f"plan {places}", f"profile {places}"]
    assert statuses(*commands, folder=tmp_path) == ("[2, 2, 2]", [LINE] * 3)
    assert not list(tmp_path.iterdir())


def test_commands_that_read_work(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    commands = [
        "leaderboard",
        "leaderboard --check",
        "plot",
        "validate",
        "list methods",
        "list reported",
        "list victims",
    ]
    status, errors = statuses(*commands, folder=tmp_path)
    assert status == "[0, 0, 0, 0, 0, 0, 0]", errors


def test_the_extra_is_what_the_package_declares() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {line.partition(">")[0] for line in project["optional-dependencies"]["run"]}
    assert declared == {DISTRIBUTIONS.get(name, name) for name in PACKAGES}
    assert not declared & {line.partition(">")[0] for line in project["dependencies"]}
