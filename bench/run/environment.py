"""What a cell ran on, for its record."""

import os
import platform
import re
import subprocess
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from attacks.core.errors import RequestError, one_line
from bench.records.schema import Environment
from bench.records.texts import encodable, harm_in, harmless

CPUINFO = Path("/proc/cpuinfo")
PACKAGES = (
    "unlearnable-bench",
    "torch",
    "torchvision",
    "timm",
    "kornia",
    "numpy",
    "pillow",
    "scikit-image",
    "scikit-learn",
)


def environment(device: str, threads: int, eager: str | None = None, resumed_from: tuple[str, ...] = ()) -> Environment:
    """Describe this process.

    Args:
        device: `cpu` or `cuda:N`.
        threads: CPU threads.
        eager: why CUDA graphs were not used, if so.
        resumed_from: the other places where its work ran before.
    """
    name, driver, processor = (*_gpu(device), None) if device.startswith("cuda") else (cpu_name(), None, cpu_model())
    commit, dirty = code()
    return Environment(
        device=name,
        driver=driver,
        threads=threads,
        platform=f"{platform.system()} {platform.machine()} Python {platform.python_version()}",
        versions=_versions(),
        commit=commit,
        dirty=dirty,
        eager=eager and harmless(eager),
        processor=processor,
        resumed_from=resumed_from or None,
    )


def cpu_name() -> str:
    """Return the processor's name; a virtual machine may give several processors the same one."""
    return _cpuinfo().get("model name") or platform.processor() or platform.machine()


def cpu_model() -> str | None:
    """Return the processor's family, model and stepping, e.g. `family 6, model 143, stepping 8`, if they are known."""
    known = _cpuinfo()
    parts = {"family": "cpu family", "model": "model", "stepping": "stepping"}
    return ", ".join(f"{word} {known[key]}" for word, key in parts.items() if key in known) or None


@cache
def _cpuinfo() -> dict[str, str]:
    """Return what Linux states of the first processor; empty on other systems."""
    try:
        first, *_ = CPUINFO.read_text(encoding="utf-8").split("\n\n")
    except OSError:
        return {}
    pairs = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _gpu(device: str) -> tuple[str, str]:
    import torch

    try:
        name = torch.cuda.get_device_name(device)
    except (AssertionError, RuntimeError):  # it was lost
        name = "unknown GPU"
    return name, _driver()


@cache
def _driver() -> str:
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, encoding="utf-8", timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        answer = ""
    return answer.splitlines()[0] if answer else "unknown"


@cache
def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


@cache
def code() -> tuple[str | None, bool | None]:
    """Return the checkout's commit and whether its code differs from it; (None, None) for an installed package.

    The first call's result is cached; it is made when work begins, since the checkout may change before the record.
    """
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None, None
    try:
        commit = _git(root, "rev-parse", "HEAD").strip()
        changed = _git(root, "status", "--porcelain", "--untracked-files=no", "--", "bench", "attacks", "victims")
    except (OSError, subprocess.SubprocessError):
        return None, None
    return commit, bool(changed.strip())


def _git(root: Path, *words: str) -> str:
    # without the variables that name another repository, as git sets them for its hooks
    here = {key: value for key, value in os.environ.items() if not re.match("GIT_(?!CONFIG)", key)}
    command = ["git", "-C", str(root), *words]
    done = subprocess.run(
        command, capture_output=True, encoding="utf-8", errors="replace", timeout=10, check=True, env=here
    )
    return done.stdout


def whoami(name: str | None = None) -> str:
    """Return who runs this: `name`, else `UNLEARNABLE_BENCH_BY`, else git's user name, else `anonymous`.

    Raises:
        RequestError: if records with this name could not be published.
    """
    if name := name or os.environ.get("UNLEARNABLE_BENCH_BY"):
        name = encodable(name)
    else:
        with suppress(OSError, subprocess.SubprocessError):
            name = _git(Path.cwd(), "config", "user.name").strip()
    if harm := harm_in(name := name or "anonymous"):
        raise RequestError(
            f"the name {one_line(name, 40)!r} has {harm}, which no record may have; give another with --by or "
            "UNLEARNABLE_BENCH_BY"
        )
    return name
