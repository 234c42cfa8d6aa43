"""Shared by the GPU checks: the device, draws that are the same on every device, and the table of results.

`python -m pytest tests/gpu` runs them on the first CUDA device; `--device cpu` tries out the tests themselves
at small sizes, where comparisons with the CPU cannot fail and the speeds mean nothing.
"""

import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch.overrides import TorchFunctionMode

from attacks.core.runtime import Runtime
from attacks.core.settings import Precision
from attacks.task import Task
from bench.data.resources import cores
from bench.run.environment import environment
from bench.run.process import set_up

HERE = Path(__file__).parent
TABLE_FILE = Path("build/gpu.md")
MakeRuntime = Callable[[Precision], Runtime]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--device", default="cuda:0", help="what tests/gpu runs on; `cpu` tries out the tests themselves")
    parser.addoption("--gpu-table", type=Path, default=TABLE_FILE, help="where tests/gpu writes its measurements")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip all tests if the device is missing; libraries of other versions may warn."""
    ours = [item for item in items if HERE in item.path.parents]
    for item in ours:
        item.add_marker(pytest.mark.filterwarnings("default"))
        if device_of(config).type == "cuda" and not torch.cuda.is_available():
            item.add_marker(pytest.mark.skip(reason="no CUDA device; `--device cpu` tries the tests themselves"))


def device_of(config: pytest.Config) -> torch.device:
    """Return the chosen device; the first CUDA device if these tests run among others, without their options."""
    return torch.device(config.getoption("--device", default="cuda:0"))


@pytest.fixture(scope="session")
def device(pytestconfig: pytest.Config) -> torch.device:
    return device_of(pytestconfig)


@pytest.fixture(scope="session")
def is_real(device: torch.device) -> bool:
    """Whether this is a real run, not a trial of the tests themselves."""
    return device.type == "cuda"


@pytest.fixture(autouse=True)
def arithmetic(is_real: bool) -> Iterator[None]:
    """Set up the arithmetic as workers do, then restore what would persist; the CPU is only the reference."""
    threads = torch.get_num_threads()
    set_up(cores() if is_real else 1)
    yield
    torch.set_num_threads(threads)
    torch.set_flush_denormal(False)


@pytest.fixture(scope="session")
def runtime_of(device: torch.device) -> MakeRuntime:
    return lambda precision: Runtime.on(str(device), precision=precision, side=32)


@pytest.fixture
def task(literal: ModuleType, tasks: ModuleType, device: torch.device) -> Callable[..., Task]:
    """Return a function that makes tasks on the device: noise for a tiny set of images."""
    make: Callable[..., Task] = tasks.maker(literal, str(device))
    return make


@pytest.fixture
def cpu_task(literal: ModuleType, tasks: ModuleType) -> Callable[..., Task]:
    """Return a function that makes the same tasks on the CPU."""
    make: Callable[..., Task] = tasks.maker(literal, "cpu")
    return make


class DrawsOfTheCpu(TorchFunctionMode):
    """Makes every random draw on the CPU and moves it to the requested device, since generators differ by device.

    Only draws from a generator that the caller gives are changed. In-place draws follow the order in memory, so the
    layout is kept.
    """

    IN_PLACE = frozenset({"uniform_", "normal_"})
    FRESH = frozenset({"rand", "randint", "randperm"})

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self._generator = torch.Generator().manual_seed(seed)
        self.draws = 0

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        name, given = getattr(func, "__name__", ""), dict(kwargs or {})
        if given.get("generator") is None or name not in self.IN_PLACE | self.FRESH:
            return func(*args, **given)
        self.draws += 1
        given["generator"] = self._generator
        if name in self.IN_PLACE:
            target, *rest = args
            return target.copy_(func(torch.empty_like(target, device="cpu"), *rest, **given))
        at = given.pop("device", "cpu")
        return func(*args, **given).to(at)


@pytest.fixture
def same_draws() -> Callable[[], AbstractContextManager[DrawsOfTheCpu]]:
    return DrawsOfTheCpu


@dataclass
class Table:
    """The measurements, rewritten with each row, so that an interrupted run leaves those made so far."""

    path: Path
    device: torch.device
    speeds: list[tuple[str, float, float]] = field(default_factory=list)
    memory: list[tuple[str, int, int]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add_speed(self, work: str, *, plain: float, ours: float) -> None:
        """Add image-passes per second of the released code's approach and of ours."""
        self.speeds.append((work, plain, ours))
        self.write()

    def add_memory(self, work: str, *, peak: int, bound: int) -> None:
        """Add the peak memory and its computed bound, in bytes."""
        self.memory.append((work, peak, bound))
        self.write()

    def note(self, line: str) -> None:
        """Add a note for readers of the numbers."""
        if line not in self.notes:
            self.notes.append(line)
            self.write()

    def write(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(self.text(), encoding="utf-8")

    @cached_property
    def where(self) -> str:
        """The device and the versions, in one line."""
        ran = environment(str(self.device), torch.get_num_threads())
        return (
            f"{ran.device}, driver {ran.driver or 'none'}; torch {torch.__version__}, CUDA {torch.version.cuda}, "
            f"cuDNN {torch.backends.cudnn.version()}, timm {ran.versions.get('timm')}; Python "
            f"{platform.python_version()}; commit {(ran.commit or 'unknown')[:12]}{' with changes' * bool(ran.dirty)}."
        )

    def text(self) -> str:
        title = "# GPU" if self.device.type == "cuda" else "# A trial on a CPU: no number here means anything"
        lines = [title, "", self.where, *(f"\n{note}" for note in self.notes)]
        if self.speeds:
            lines += ["", "| image-passes/s | released code's way | ours | ratio |", "|---|---|---|---|"]
            lines += [
                f"| {work} | {plain:,.0f} | {ours:,.0f} | {ours / plain:.2f} |" for work, plain, ours in self.speeds
            ]
        if self.memory:
            lines += ["", "| peak memory, MiB | measured | bound |", "|---|---|---|"]
            lines += [f"| {work} | {peak / 2**20:,.0f} | {bound / 2**20:,.0f} |" for work, peak, bound in self.memory]
        return "\n".join(lines) + "\n"


TABLE = pytest.StashKey[Table]()


@pytest.fixture(scope="session")
def table(pytestconfig: pytest.Config, device: torch.device) -> Table:
    """The table that is written to `--gpu-table`."""
    found = Table(pytestconfig.getoption("--gpu-table", default=TABLE_FILE), device)
    pytestconfig.stash[TABLE] = found
    return found


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table."""
    if found := config.stash.get(TABLE, None):
        terminalreporter.section(str(found.path))
        terminalreporter.write(found.text())
