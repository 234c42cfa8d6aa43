"""Where the noise of a cell is in the cache."""

from pathlib import Path

from attacks.engine.noise import read_head
from bench.config.models import NoiseCell, Protocol
from bench.data.dataset import Places
from bench.records.schema import parse_record
from bench.records.upgrades import Upgrader


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
            found = parse_record(upgrader.upgrade(read_head(other).provenance.origin)).cell
        except ValueError:  # it is looked at, and set aside, by who wants it under its own name
            continue
        if found.key == cell.key:
            return other
    return place
