import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from attacks.core.errors import StoppedError
from attacks.core.state import State


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--all-faults", action="store_true", help="try the full number of faults that the project promises"
    )


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def cache_of_the_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep commands that are given no `--cache` away from the user's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNLEARNABLE_BENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


class Bomb:
    """An object whose pickle makes a folder when it is read."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self._mark),)


@pytest.fixture
def bomb(tmp_path: Path) -> Bomb:
    """An object whose pickle makes the folder `mark` when it is read."""
    return Bomb(tmp_path / "mark")


def load(path: Path) -> ModuleType:
    """Load a file that is not a test, so that others can import it by name."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules.setdefault(spec.name, importlib.util.module_from_spec(spec))
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def load_file() -> Callable[[Path], ModuleType]:
    return load


def load_text(name: str) -> ModuleType:
    """Load a file beside the tests of attacks, such as a literal transcription."""
    return load(Path(__file__).parent / "attacks" / f"{name}.py")


@pytest.fixture(scope="session")
def literal_views() -> ModuleType:
    """A literal transcription of the random views."""
    return load_text("literal_views")


@pytest.fixture(scope="session")
def literal(literal_views: ModuleType) -> ModuleType:
    """Literal transcriptions of the surrogate loop and of victim training, for the tests of attacks and victims."""
    return load_text("literal")


@pytest.fixture(scope="session")
def literal_others(literal: ModuleType) -> ModuleType:
    """Literal transcriptions of methods that are not surrogate loops."""
    return load_text("literal_others")


@pytest.fixture(scope="session")
def literal_contrastive(literal: ModuleType) -> ModuleType:
    """Literal transcriptions of PIL, AUE and AAP."""
    return load_text("literal_contrastive")


@pytest.fixture(scope="session")
def literal_features(literal: ModuleType) -> ModuleType:
    """Literal transcriptions of the methods on features or on several networks."""
    return load_text("literal_features")


@pytest.fixture(scope="session")
def literal_generator(literal: ModuleType) -> ModuleType:
    """A literal transcription of BAIT."""
    return load_text("literal_generator")


@pytest.fixture(scope="session")
def literal_game(literal_generator: ModuleType) -> ModuleType:
    """A literal transcription of GUE."""
    return load_text("literal_game")


@pytest.fixture(scope="session")
def tasks() -> ModuleType:
    """Tasks to make noise for a tiny set of images, for the tests of attacks and those on a GPU."""
    return load_text("tasks")


@pytest.fixture(scope="session")
def write_tree() -> Callable[..., Path]:
    """Write random PNGs: `write_tree(root, {"train/cat": 3, ...}, size=(width, height))` returns `root`."""

    def write(root: Path, counts: Mapping[str, int], size: tuple[int, int] = (8, 8)) -> Path:
        random = np.random.default_rng(0)
        for folder, count in counts.items():
            (root / folder).mkdir(parents=True)
            for n in range(count):
                pixels = random.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
                Image.fromarray(pixels).save(root / folder / f"{n}.png")
        return root

    return write


@pytest.fixture
def lies_in() -> Callable[[np.ndarray, Path], bool]:
    """Return a function that tells whether an array is mapped from a file in a folder."""
    maps = Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("needs Linux: reads /proc/self/maps")

    def look(array: np.ndarray, folder: Path) -> bool:
        for line in maps.read_text().splitlines():
            start, end = (int(number, 16) for number in line.split()[0].split("-"))
            if start <= array.ctypes.data < end:
                return str(folder) in line
        return False

    return look


class CutAfter:
    """A keeper that stops the work after `offers` offers and keeps a copy of its state."""

    def __init__(self, offers: int, state: State | None = None) -> None:
        self._left = offers
        self.state = state

    def restored(self) -> State | None:
        return self.state

    def offer(self, capture: Callable[[], State]) -> None:
        self._left -= 1
        if self._left == 0:
            self.state = {name: value.clone().contiguous() for name, value in capture().items()}
            raise StoppedError


@pytest.fixture
def cut_after() -> type[CutAfter]:
    """The keeper that cuts work into pieces."""
    return CutAfter


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A real headless Chromium."""
    webdriver = pytest.importorskip("selenium.webdriver")
    driver = shutil.which("chromedriver")
    if driver is None:
        pytest.skip("needs Chromium and chromedriver")
    options = webdriver.ChromeOptions()
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield started
    started.quit()
