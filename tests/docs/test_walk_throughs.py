"""The walk-throughs of docs/, run exactly as written: one file and one line, then the commands."""

import csv
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CarryOut = Callable[[str], list[str]]


def records(tree: Path) -> list[dict]:
    return [json.loads(file.read_text()) for file in sorted(tree.glob("runs/*/records/**/*.json"))]


def lint(tree: Path, file: str) -> None:
    """Check that code written as a page says passes the linter, as a pull request must."""
    words = [sys.executable, "-m", "ruff", "check", "--no-cache", "--ignore", "E501", file]
    done = subprocess.run(words, cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_add_a_method(carry_out: CarryOut, tree: Path) -> None:
    printed, made, tested = carry_out("add-a-method.md")
    assert "blocks-doe26" in printed
    assert "blocks-doe26" in made
    found = {record["cell"]["method"]: record for record in records(tree)}
    assert set(found) == {"clean", "blocks-doe26"}
    assert all(record["status"] == "ok" for record in found.values())
    (noise,) = (json.loads(file.read_text()) for file in tree.glob("runs/*/noise/**/blocks-doe26/*.json"))
    assert noise["cell"]["numbers"]["noise.blocks"] == {"side": 8}
    assert re.search(r"\b[6-9] passed, \d+ deselected", tested)
    lint(tree, "attacks/methods")
    lint(tree, "tests/attacks/test_blocks_doe26.py")


def test_the_variant_of_sem_says_that_it_trains_a_surrogate() -> None:
    page = (ROOT / "docs" / "add-a-method.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(from .*?)^```$", page, re.DOTALL | re.MULTILINE)
    made: dict[str, Any] = {}
    exec(code, made)
    found = made["GSEM_DOE26"]
    assert "network" in found.recipe.reads
    assert found.surrogate


@pytest.mark.slow
def test_add_a_countermeasure(carry_out: CarryOut, tree: Path) -> None:
    printed, tested = carry_out("add-a-countermeasure.md")
    assert re.search(r"\b[6-9] passed, \d+ deselected", tested)
    assert "denoise-doe26" in printed
    found = {record["cell"]["countermeasure"]: record for record in records(tree)}
    assert set(found) == {"standard", "denoise-doe26"}
    assert all(record["status"] == "ok" for record in found.values())
    assert found["denoise-doe26"]["costs"]["preparation"]["passes"]["train"] == 20 * 128
    assert "preparation" not in found["standard"]["costs"]
    lint(tree, "victims/countermeasures")


@pytest.mark.slow
def test_add_a_training(carry_out: CarryOut, tree: Path) -> None:
    (printed,) = carry_out("add-a-training.md")
    assert "smooth-doe26" in printed
    found = {record["cell"]["training"]: record for record in records(tree)}
    assert set(found) == {"supervised", "smooth-doe26"}
    assert all(record["status"] == "ok" for record in found.values())
    assert found["supervised"]["curve"] != found["smooth-doe26"]["curve"]
    lint(tree, "victims/recipes")


@pytest.mark.slow
def test_add_a_metric(carry_out: CarryOut, tree: Path) -> None:
    (printed,) = carry_out("add-a-metric.md")
    assert "loss_final" in printed
    (record,) = (record for record in records(tree) if record["cell"]["kind"] == "victim")
    loss = record["curve"][-1]["loss"]
    assert record["metrics"]["loss_final"] == loss
    (line,) = csv.DictReader((tree / "runs/loss/leaderboard.csv").read_text().splitlines())
    assert line["loss"] == f"{loss:.4f}"
    (table,) = json.loads((tree / "runs/loss/leaderboard.json").read_text())["tables"]
    assert table["rows"][0]["cells"][0]["loss"] == round(loss, 4)
    assert '"id":"loss","label":"loss"' in (tree / "runs/loss/index.html").read_text()
    old = [sys.executable, "-m", "bench", "validate", "--results", str(ROOT / "results")]
    done = subprocess.run(old, cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert ", 0 problems" in done.stdout + done.stderr
    lint(tree, "bench/records")
