"""No environment, output that cannot be shown or written, and missing folders: one line or none, and no traceback."""

import ast
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.cli.output import replace_unknown

ROOT = Path(__file__).parents[3]
LIST = [sys.executable, "-m", "bench", "list", "grids"]


def shell(line: str, folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run a shell line in which `"$@"` is the command."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        ["bash", "-c", line, "sh", *(words or LIST)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def start_after(before: str, *options: str) -> "subprocess.CompletedProcess[str]":
    """Start the program after some other code, in a Python with options."""
    code = f"import sys; sys.argv = ['bench', 'list', 'grids']; {before}\n"
    code += "from bench.__main__ import start; sys.exit(start())"
    return subprocess.run([sys.executable, *options, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_python_that_is_too_old_is_one_line() -> None:
    done = start_after("sys.version_info = (3, 10, 1, 'final', 0)", "-S")
    said = "error: needs Python 3.11 or newer, not 3.10; activate the environment of the benchmark"
    assert (done.returncode, done.stderr) == (2, f"{said} (source .venv/bin/activate)\n")


@pytest.mark.parametrize(
    "file", ["bench/__main__.py", *(f"{name}/__init__.py" for name in ("attacks", "bench", "victims"))]
)
def test_what_says_so_can_be_read_by_an_old_python(file: str) -> None:
    ast.parse((ROOT / file).read_text(encoding="utf-8"), feature_version=(3, 8))


def test_a_python_without_the_dependencies_is_one_line() -> None:
    done = start_after("sys.path = [folder for folder in sys.path if 'packages' not in folder]", "-S")
    said, fix = done.stderr.split("; ")
    assert done.returncode == 2
    assert said == f"error: platformdirs is not installed for {sys.executable}"
    assert fix == f"activate the environment, or run: {sys.executable} -m pip install -e '{ROOT}[run]'\n"


def test_a_missing_module_of_our_own_is_a_bug() -> None:
    done = start_after("sys.modules['bench.cli.options'] = None")
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")


@pytest.mark.parametrize("line", ['"$@" >&-', '"$@" 2>&-', '"$@" <&- >&- 2>&-'])
def test_closed_streams_are_no_matter(line: str, tmp_path: Path) -> None:
    done = shell(line, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_is_printed_goes_into_no_file(tmp_path: Path) -> None:
    """A closed stream's number would otherwise go to the next file opened."""
    words = ["leaderboard", "--results", str(tmp_path / "results"), "--out", str(tmp_path / "out")]
    (tmp_path / "results" / "records").mkdir(parents=True)
    assert shell('"$@" >&-', tmp_path, *LIST[:3], *words).returncode == 0
    whole = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert shell('"$@"', tmp_path, *LIST[:3], *words).returncode == 0
    assert whole == {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    done = shell('"$@" > /dev/full', tmp_path)
    assert (done.returncode, done.stderr) == (2, "error: No space left on device\n")
    assert shell('"$@" > /dev/full 2> /dev/full', tmp_path).returncode == 2


def test_a_reader_that_has_enough_is_no_error_but_no_success(tmp_path: Path) -> None:
    words = [*LIST[:3], "list", "reported"]
    done = shell('"$@" | head -n 1; exit ${PIPESTATUS[0]}', tmp_path, *words)
    assert (done.returncode, done.stderr) == (141, "")
    assert len(done.stdout.splitlines()) == 1


def test_a_folder_that_is_gone_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    done = shell('rmdir "$PWD"; "$@"', tmp_path / "gone")
    assert (done.returncode, done.stderr) == (
        2,
        "error: the working folder no longer exists; change to another one\n",
    )


def test_a_home_that_is_not_known_is_one_line(command: Callable[[list[str]], Any]) -> None:
    done = command(["plan", "--set", "datasets=folder:~nobody-of-this-name/images"])
    assert done.status == 2
    assert done.err == "error: cannot find your home folder; set HOME, or give --cache DIR and absolute paths\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_tables_keep_their_columns_where_an_output_has_few_characters(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    replace_unknown()
    rows = [
        "25.30 \N{PLUS-MINUS SIGN} 1.20 \N{SECTION SIGN} |",
        "\N{EN DASH} \N{DAGGER} \N{DOUBLE DAGGER} Jérôme\N{HORIZONTAL ELLIPSIS} |",
    ]
    print("\n".join(rows), flush=True)
    shown = raw.getvalue().decode(encoding).splitlines()
    assert [len(row) for row in shown] == [len(row) for row in rows]
    assert shown[1].startswith("- + # J")
    print("\N{SNOWMAN}", flush=True)
    assert raw.getvalue().decode(encoding).splitlines()[-1] == "\\u2603"


def test_a_tilde_after_an_equals_sign_is_the_home_folder(tmp_path: Path) -> None:
    """Shells leave it alone there."""
    (tmp_path / "home" / "runs" / "records").mkdir(parents=True)
    words = ["leaderboard", "--results=~/runs", "--out=~/out"]
    done = shell('HOME="$PWD/home" "$@"', tmp_path, *LIST[:3], *words)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "home" / "out" / "index.html").exists()
