"""Where a run works: folders and device. Nothing here can change a number beyond rounding."""

from dataclasses import dataclass
from pathlib import Path

from bench.config.models import Cell
from bench.data.dataset import Places
from bench.run.environment import environment

STATE_VERSION = 4  # raised when the layout of a state changes, so that older states are not resumed


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """Folders and device of a run.

    Attributes:
        results: where records go.
        places: where the datasets and the cache are.
        device: `cpu` or `cuda:N`.
        threads: CPU threads of one worker.
        by: who runs it.
        time_limit: seconds that a cell may take in one go; None: no limit.
    """

    results: Path
    places: Places
    device: str
    threads: int
    by: str
    time_limit: float | None = None

    @property
    def place(self) -> str:
        """What seconds and rounding depend on, in words."""
        found = environment(self.device, self.threads)
        return f"{found.place}, torch {found.versions.get('torch')}"


def state_file(workplace: Workplace, cell: Cell) -> Path:
    """Return where the state of a running cell is kept; a CPU and a GPU cannot resume each other's states."""
    return unfinished_file(workplace, cell.key)


def unfinished_file(workplace: Workplace, key: str) -> Path:
    """Return where the state of the work with a key is kept."""
    kind = workplace.device.partition(":")[0]
    return workplace.places.cached("unfinished") / f"{key[:16]}-{kind}-v{STATE_VERSION}.safetensors"
