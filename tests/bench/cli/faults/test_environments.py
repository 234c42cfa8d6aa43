"""Every command as shells, notebooks, schedulers, containers and services start it, whatever they set or leave out."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

Bench = Any  # the class in the conftest.py of cli
ROOT = Path(__file__).parents[4]
FORMER = str(ROOT / "tests/bench/records/former")
# Run each command as the program does, but all in one process, since most of the time goes into importing torch.
CARRY_OUT = """
import json, sys
from pathlib import Path
from bench.__main__ import start
asked, told = json.loads(Path(sys.argv[1]).read_text()), open(sys.argv[2], "w")
for words in asked:
    sys.argv = ["bench", *words]
    try:
        status = start()
    except SystemExit as stop:
        status = stop.code
    print(status, *words[:2], file=told, flush=True)
"""


@dataclass(frozen=True)
class Environment:
    """The environment in which a command starts.

    Attributes:
        variables: set in addition to those of this process.
        shell: what the shell does before the command.
        bare: whether only those variables of this process are kept that find the program; there is no home either.
        often: whether it is also tried without `--all-faults`.
    """

    variables: str
    shell: str = ":"
    bare: bool = False
    often: bool = False


ENVIRONMENTS = {
    "an old shell": Environment(
        "MPLBACKEND=none OMP_NUM_THREADS=all COLUMNS=wide LC_ALL=xx_XX TERM=none TZ=none PYTHONWARNINGS=error "
        "PYTHONUNBUFFERED=1 PYTHONOPTIMIZE=2",
        "ulimit -n 64",
    ),
    "a notebook": Environment(
        "MPLBACKEND=module://matplotlib_inline.backend_inline JPY_PARENT_PID=1 FORCE_COLOR=1 CLICOLOR_FORCE=1 "
        "TERM=xterm-color PAGER=cat COLUMNS=1"
    ),
    "a job on a node without the user's folders": Environment(
        "SLURM_JOB_ID=1 SLURM_CPUS_ON_NODE=none SLURM_PROCID=3 WORLD_SIZE=4 RANK=3 HOME=/proc/none TMPDIR=/proc/none "
        "CUDA_VISIBLE_DEVICES=none COLUMNS=0",
        "exec <&-",
    ),
    "a container whose user has no name": Environment(
        "LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 UNLEARNABLE_BENCH_BY=\udce9", "umask 077", bare=True, often=True
    ),
    "a service": Environment("", "cd / && exec <&- >&- 2>&-", bare=True),
}


def nameless() -> list[str]:
    """Return the words that run a command as a user without a passwd entry but with root's file rights, if possible."""
    rights = "+dac_override,+dac_read_search,+fowner"
    words = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"]
    words += [f"--inh-caps={rights}", f"--ambient-caps={rights}"]
    can = shutil.which("setpriv") and subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0
    return words if can else []


def commands(bench: Bench, *, all_faults: bool) -> list[list[str]]:
    """Return a call of each command; with all faults, also of those that train."""
    root, results, places = bench.root, str(bench.results), ["--cache", str(bench.cache)]
    images = next(line for line in (root / "tiny.toml").read_text().splitlines() if "folder:" in line).split('"')[1]
    noise = str(next(bench.cache.glob("noise/*/em-fu22/*.safetensors")))
    numbers = ["--protocol", str(root / "tiny-v1.toml"), "--device", "cpu", *places]
    trained = [
        bench.words("run", "--set", "seeds=[1]", "--set", "radii=[0]"),
        ["noise", "make", str(root / "made.safetensors"), "--dataset", images, "--method", "em", *numbers],
        ["protect", f"{images.removeprefix('folder:')}/train", str(root / "out"), "--size", "8", *numbers],
        ["profile", "--victim", "resnet18-w8", "--dataset", "photo-patches", "--size", "8", "--threads", "1", *numbers],
    ]
    exported, imported = str(root / "noise.npy"), str(root / "mine.safetensors")
    return [
        ["list", "methods"],
        ["list", "victims"],
        bench.words("plan", "--rows", "--set", "seeds=[0,1]"),
        bench.words("run"),
        bench.words("status"),
        ["leaderboard", "--results", results],
        ["plot", "--results", results, "--out", str(root / "plots"), "--format", "png", *places],
        ["noise", "validate", noise, "--dataset", images, *places],
        ["noise", "export", noise, exported],
        ["noise", "import", exported, imported, "--name", "a", "--dataset", images, *places],
        *(trained if all_faults else []),
        ["upgrade", "--results", results],
        ["validate", "--results", FORMER],
        ["publish", FORMER, "--results", str(root / "published")],
        ["run", "--help"],
    ]


@pytest.mark.usefixtures("one_core")
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_command_runs(name: str, bench: Bench, *, all_faults: bool) -> None:
    found = ENVIRONMENTS[name]
    if not (all_faults or found.often):
        pytest.skip("tried with --all-faults")
    asked, told = commands(bench, all_faults=all_faults), bench.root / "told.txt"
    (bench.root / "asked.json").write_text(json.dumps(asked))
    program = [sys.executable, "-c", CARRY_OUT, str(bench.root / "asked.json"), str(told)]
    paths = {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    here = {"PATH": os.environ["PATH"]} if found.bare else dict(os.environ)
    done = subprocess.run(
        ["sh", "-c", f'{found.shell}; exec "$@"', "sh", *(nameless() if found.bare else []), *program],
        cwd=bench.root,
        env=here | paths | dict(word.split("=", 1) for word in found.variables.split()),
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == 0, done.stderr
    assert told.read_text().splitlines() == [f"0 {' '.join(words[:2])}" for words in asked], done.stderr
