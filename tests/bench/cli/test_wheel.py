"""The built wheel, installed and started in a folder whose own files have the names of packages."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

Bench = Any  # the class in conftest.py
ROOT = Path(__file__).parents[3]
SHIPPED = ("attacks", "victims", "bench", "pyproject.toml", "README.md", "LICENSE")
# our packages, some that they import, and standard library modules whose names users give their files
SHADOWS = ("attacks/__init__.py", "victims/__init__.py", "torch/__init__.py", "pandas.py", "random.py", "queue.py")


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the built wheel into its own environment, with its dependencies; return the folder of its programs."""
    root = tmp_path_factory.mktemp("wheel")
    source = root / "source"
    source.mkdir()
    for name in SHIPPED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(root), str(source)]
    subprocess.run(build, check=True, env=environment())
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(root / "venv")], check=True, env=environment())
    programs = root / "venv" / "bin"
    install = [*pip, "--python", str(programs / "python"), "install", "--no-deps", "--no-index"]
    subprocess.run([*install, *map(str, root.glob("*.whl"))], check=True, env=environment())
    (site,) = root.glob("venv/lib/*/site-packages")
    (site / "needed.pth").write_text(sysconfig.get_path("purelib"))
    return programs


@pytest.fixture
def shadowed(empty: Bench) -> Bench:
    """A folder with files of those names, each of which ends the program if imported."""
    for name in SHADOWS:
        (empty.root / name).parent.mkdir(exist_ok=True)
        (empty.root / name).write_text("raise SystemExit('a file of the user was imported')")
    return empty


def start(words: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(words, cwd=folder, env=environment(), capture_output=True, text=True, check=False)


@pytest.mark.usefixtures("one_core")
def test_it_runs_where_files_have_the_names_of_packages(programs: Path, shadowed: Bench) -> None:
    module = [str(programs / "python"), "-m", "bench"]
    run = start([*module, *shadowed.words("run", "--set", "methods=clean", "--only", "noise")], shadowed.root)
    assert run.returncode == 0, run.stderr
    assert shadowed.record("noise/*/clean/*.json").exists()
    assert start([*module, "pln"], shadowed.root).stderr.endswith("see python -m bench --help\n")


@pytest.mark.usefixtures("one_core")
def test_so_does_the_installed_command_beside_a_bench_folder(programs: Path, shadowed: Bench) -> None:
    (shadowed.root / "bench.py").write_text("raise SystemExit('a file of the user was imported')")
    command = str(programs / "unlearnable-bench")
    plan = start([command, *shadowed.words("plan")], shadowed.root)
    assert (plan.returncode, plan.stderr) == (0, "")
    assert "6 cells of protocol tiny-v1, 6 to run" in plan.stdout
    assert start([command, "pln"], shadowed.root).stderr.endswith("see unlearnable-bench --help\n")


def test_so_do_records_in_a_program_of_the_users_own(programs: Path, tmp_path: Path) -> None:
    (tmp_path / "attacks").mkdir()
    (tmp_path / "attacks" / "__init__.py").write_text("")
    code = "import bench; print(len(bench.load_records('results')))"
    (tmp_path / "results" / "records").mkdir(parents=True)
    loaded = start([str(programs / "python"), "-c", code], tmp_path)
    assert (loaded.returncode, loaded.stdout) == (0, "0\n"), loaded.stderr
    late = start([str(programs / "python"), "-c", "import attacks, bench"], tmp_path)
    assert late.stderr.endswith(
        f"{tmp_path}/attacks was imported as 'attacks'; import bench first, or rename that folder\n"
    )
