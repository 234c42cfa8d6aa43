"""Where a run works: folders and device. Nothing in it can change a number beyond rounding."""

from dataclasses import dataclass
from pathlib import Path

from attacks.engine.noise import read_head
from bench.config.models import Cell, NoiseCell, Protocol
from bench.data.dataset import Places
from bench.records.schema import parse
from bench.records.upgrades import Upgrader

STATE_VERSION = 3  # raised when a state's layout changes, so that an older one is not gone on with


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """Folders and device of a run.

    Attributes:
        results: where records go.
        places: where datasets lie, and the cache.
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


def noise_file(places: Places, cell: NoiseCell) -> Path:
    """Return where the noise of a cell is cached."""
    return places.cache / "noise" / cell.dataset / cell.method / f"s{cell.seed}-{cell.key[:16]}.safetensors"


def find_noise(places: Places, cell: NoiseCell, protocols: tuple[Protocol, ...] = ()) -> Path:
    """Return where the noise of a cell is in the cache: in its place, or in that which an older version gave it.

    Args:
        places: whose cache.
        cell: the noise's.
        protocols: those that are known beside the shipped ones.
    """
    place, upgrader = noise_file(places, cell), Upgrader(protocols)
    if place.exists():
        return place
    for other in sorted(place.parent.glob(f"s{cell.seed}-*.safetensors")):
        try:
            found = parse(upgrader.upgrade(read_head(other).provenance.origin)).cell
        except ValueError:  # it is looked at, and set aside, by who wants it under its own name
            continue
        if found.key == cell.key:
            return other
    return place


def state_file(workplace: Workplace, cell: Cell) -> Path:
    """Return where the state of a cell under way is kept; one device cannot go on with another's."""
    return unfinished_file(workplace, cell.key)


def unfinished_file(workplace: Workplace, key: str) -> Path:
    """Return where the state of work with this key is kept."""
    kind = workplace.device.partition(":")[0]
    return workplace.places.cache / "unfinished" / f"{key[:16]}-{kind}-v{STATE_VERSION}.safetensors"
