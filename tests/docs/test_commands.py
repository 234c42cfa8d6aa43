"""The commands and the Python code of the README and docs/; the walk-throughs are run in full elsewhere."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.cli import main, parser

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "results").glob("*.md")),
]
BLOCK = re.compile(
    r"^```(?P<kind>\w+)[^\n]*\n(?P<text>.*?)^```$|^(?P<indented>(?:    \S[^\n]*\n)+)", re.DOTALL | re.MULTILINE
)
HARMLESS = ("list", "cite")


def commands() -> Iterator[tuple[str, str]]:
    """Yield every `python -m bench ...` in a block, with its page; shell variables are dropped."""
    for page in PAGES:
        for block in BLOCK.finditer(page.read_text(encoding="utf-8")):
            text = block["indented"] or (block["text"] if block["kind"] in {"bash", "sh"} else "")
            for line in text.replace("\\\n", " ").splitlines():
                for found in re.finditer(r"python -m bench (.*?)(?:&&|\||$)", line):
                    yield page.name, found[1].replace('"${small[@]}"', "")


COMMANDS = sorted(set(commands()))


def test_the_pages_have_commands() -> None:
    assert len(COMMANDS) > 40
    assert {page for page, _ in COMMANDS} >= {"README.md", "CONTRIBUTING.md", "run-on-a-cluster.md", "add-a-method.md"}


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_every_command_is_understood(page: str, command: str) -> None:
    words = shlex.split(command, comments=True)
    chosen = parser().parse_args(words)
    assert chosen.act
    if words[0] in HARMLESS:
        assert main(words) == 0


@pytest.mark.parametrize(
    ("page", "folder", "dataset", "within"),
    [
        ("README.md", "runs/smoke", "photo-patches", "accuracy_vs_radius"),
        ("results/README.md", "results", "cifar10-jpeg", "paired"),
    ],
)
def test_the_python_of_a_page_runs(page: str, folder: str, dataset: str, within: str, tmp_path: Path) -> None:
    blocks = BLOCK.finditer((ROOT / page).read_text(encoding="utf-8"))
    code = "\n".join(block["text"] for block in blocks if block["kind"] == "python")
    assert within in code
    for part in ("records", "noise"):
        shutil.copytree(ROOT / "results" / part / dataset, tmp_path / folder / part / dataset)
    words = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
