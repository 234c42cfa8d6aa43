"""Runs a page of docs/ exactly as written, in a copy of the source tree."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```(?P<kind>\w+)(?: file=(?P<file>\S+))?\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the installed packages and of the tests of two."""
    for name in ("attacks", "victims", "bench", "tests/attacks", "tests/victims"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "tests/conftest.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def carry_out(tree: Path) -> Callable[[str], list[str]]:
    """Run the fenced blocks of a page in order; return what its commands printed.

    A block with a file name is written to that file, a `diff` is applied, `bash` is run; other blocks are skipped.
    """

    def go(page: str) -> list[str]:
        return list(_carried_out((ROOT / "docs" / page).read_text(encoding="utf-8"), tree))

    return go


def _carried_out(page: str, tree: Path) -> Iterator[str]:
    for block in FENCE.finditer(page):
        if block["file"]:
            (tree / block["file"]).write_text(block["text"], encoding="utf-8")
        elif block["kind"] == "diff":
            _run(["git", "apply", "--recount", "-"], tree, block["text"])
        elif block["kind"] == "bash":
            yield _run(["bash", "-e"], tree, block["text"])


def _run(words: list[str], tree: Path, text: str) -> str:
    """Run a command in the tree, with this interpreter as `python` and the cache inside the tree."""
    (tree / "bin").mkdir(exist_ok=True)
    python = tree / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {
        "PATH": path,
        "XDG_CACHE_HOME": str(tree / "cache"),
        "GIT_CEILING_DIRECTORIES": str(tree.parent),
    }
    done = subprocess.run(words, cwd=tree, input=text, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
