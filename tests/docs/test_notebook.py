"""The notebook, run from top to bottom as plain Python in a folder of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOK = json.loads((ROOT / "docs/tour.ipynb").read_text(encoding="utf-8"))
CODE = ["".join(cell["source"]) for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]


def test_no_output_is_committed() -> None:
    cells = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]
    assert cells
    assert [cell for cell in cells if cell["outputs"] or cell["execution_count"] is not None] == []


@pytest.mark.slow
def test_the_notebook_runs_from_top_to_bottom(tmp_path: Path) -> None:
    (tmp_path / "results").symlink_to(ROOT / "results")
    folder = tmp_path / "docs"
    folder.mkdir()
    *before, last = CODE
    script = "\n".join([*before, f"found = {last}", 'print("methods:", *found["method"])'])
    environment = os.environ | {"MPLBACKEND": "Agg"}
    words = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    *_, line = done.stdout.splitlines()
    assert sorted(line.split()[1:]) == ["clean", "lsp-yu22", "my-blocks"]
