"""Where a run works: folders and device. Nothing in it can change a number beyond rounding."""

from dataclasses import dataclass
from pathlib import Path

from bench.config.models import Cell
from bench.data.dataset import Places

STATE_VERSION = 4  # raised when a state's layout changes, so that an older one is not resumed


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """Folders and device of a run.

    Attributes:
        results: where records go.
        places: where the datasets and the cache are.
        device: `cpu` or `cuda:N`.
        threads: of one worker, on a CPU.
        by: who runs it.
        time_limit: seconds that a cell may take in one go; absent for any time.
    """

    results: Path
    places: Places
    device: str
    threads: int
    by: str
    time_limit: float | None = None


def state_file(workplace: Workplace, cell: Cell) -> Path:
    """Return where the state of a running cell is kept; one device cannot go on with another's."""
    return unfinished_file(workplace, cell.key)


def unfinished_file(workplace: Workplace, key: str) -> Path:
    """Return where the state of work with this key is kept."""
    kind = workplace.device.partition(":")[0]
    return workplace.places.cache / "unfinished" / f"{key[:16]}-{kind}-v{STATE_VERSION}.safetensors"
