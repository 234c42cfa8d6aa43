"""The commands and the Python code of the README and docs/; the walk-throughs are run in full elsewhere."""

import argparse
import itertools
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from attacks.core.errors import RequestError
from attacks.methods import method
from bench.cli import main, parser
from bench.config.load import load_grid, load_protocol
from bench.config.models import Grid
from bench.config.suite import grids_of
from bench.data import Places, entry
from victims.countermeasures import countermeasure
from victims.networks.names import parse_victim
from victims.recipes import training

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
LOOK_UP: dict[str, Callable[[str], object]] = {
    "datasets": lambda name: entry(name, Places(data=Path("none"), cache=Path("none"))),
    "methods": method,
    "victims": parse_victim,
    "trainings": training,
    "countermeasures": countermeasure,
}
# names that a reader has to replace, or that a page defines: files, and the examples of the tutorials
OWN = re.compile(r"noise:|folder:|.*\.(?:safetensors|toml)$|.*-doe26$")


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


def grids(chosen: argparse.Namespace) -> list[Grid]:
    """Return the grids that a command names; none where the reader's own file is one."""
    given = vars(chosen)
    if "changes" not in given or OWN.match(given.get("grid") or ""):
        return []
    if given.get("suite"):
        own = {"protocol": given["protocol"]} if given.get("protocol") else {}
        return list(grids_of(given["suite"], chosen.changes, **own)[0])
    if "grid" in given:
        return [load_grid(given["grid"] or "smoke", chosen.changes)[0]]
    load_protocol(chosen.protocol, chosen.changes)
    return []


def resolve(chosen: argparse.Namespace) -> None:
    """Look up every name in the grid, suite or protocol of a command and in its `--set`, `--method` and `--dataset`.

    Raises:
        RequestError: if one does not exist.
    """
    named = {field: {name for grid in grids(chosen) for name in getattr(grid, field)} for field in LOOK_UP}
    for field, option in (("methods", "method"), ("datasets", "dataset")):
        named[field] |= {name for name in (getattr(chosen, option, None),) if name}
    for field, names in named.items():
        for name in names:
            if not OWN.match(name):
                LOOK_UP[field](name)


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_every_command_is_understood(page: str, command: str) -> None:
    words = shlex.split(command, comments=True)
    resolve(parser().parse_args(words))
    if words[0] in HARMLESS:
        assert main(words) == 0


@pytest.mark.parametrize(
    "command",
    [
        "run --grid fulll",
        "run --set methods=emm",
        "plan --set seedz=0",
        "plan --set setup.noise.stepz=1",
        "run --suite strong-v1 --set protocol=paper-v9",
        "run --set datasets=cifar11",
        "run --set countermeasures=jpeg-11",
        "compare semm",
        "noise make --dataset photo-patches --method emm --protocol smoke-v1 em.safetensors",
        "noise make --dataset photo-patches --method em --protocol smoky out.safetensors",
    ],
)
def test_a_wrong_value_is_found(command: str) -> None:
    with pytest.raises(RequestError):
        resolve(parser().parse_args(shlex.split(command)))


@pytest.mark.parametrize(
    ("page", "folders", "dataset", "within"),
    [
        ("README.md", ["runs/smoke"], "photo-patches", "accuracy_vs_radius"),
        ("results/README.md", ["results"], "cifar10-jpeg", "paired"),
        ("docs/reproduce-one-cell.md", ["results", "runs/again"], "photo-patches", "agrees"),
    ],
)
def test_the_python_of_a_page_runs(page: str, folders: list[str], dataset: str, within: str, tmp_path: Path) -> None:
    blocks = BLOCK.finditer((ROOT / page).read_text(encoding="utf-8"))
    code = "\n".join(block["text"] for block in blocks if block["kind"] == "python")
    assert within in code
    for folder, part in itertools.product(folders, ("records", "noise")):
        shutil.copytree(ROOT / "results" / part / dataset, tmp_path / folder / part / dataset)
    words = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
