"""Find and read the noise of a cell in the cache."""

import logging
from functools import lru_cache
from pathlib import Path
from typing import Any

from attacks.core.errors import DamagedError, RequestError, one_line
from attacks.core.files import set_aside
from attacks.engine.noise import Head, Noise, load_noise, read_head
from bench.config.models import NoiseCell, Protocol
from bench.data.dataset import Places
from bench.records.schema import NoiseRecord, Record, parse_intact, parse_record
from bench.records.upgrades import Upgrader

log = logging.getLogger(__name__)


def noise_file(places: Places, cell: NoiseCell) -> Path:
    """Return where the noise of a cell is cached."""
    return places.cached("noise") / cell.dataset / cell.method / f"s{cell.seed}-{cell.key[:16]}.safetensors"


def find_noise(places: Places, cell: NoiseCell, protocols: tuple[Protocol, ...] = ()) -> Path:
    """Return the path of a cell's noise in the cache: its present one, or the one that an older version gave it.

    Args:
        places: where the cache is.
        cell: the noise's cell.
        protocols: protocols known besides the shipped ones.
    """
    place, upgrader = noise_file(places, cell), Upgrader(protocols)
    if place.exists():
        return place
    for other in sorted(place.parent.glob(f"s{cell.seed}-*.safetensors")):
        try:
            found = parse_record(upgrader.upgrade(read_head(other).provenance.origin)).cell
        except ValueError:  # it is set aside when it is read under its own name
            continue
        if found.key == cell.key:
            return other
    return place


def read_noise(path: Path, cell: NoiseCell, protocols: tuple[Protocol, ...] = ()) -> tuple[Noise, NoiseRecord] | None:
    """Return a noise in the cache and its record, or None where it is not there; a damaged file is set aside.

    The record gets the names in `cell`: the names of dataset and protocol decide nothing, so it may have been made
    under others.

    Args:
        path: the file.
        cell: the noise's cell.
        protocols: protocols known besides the shipped ones.

    Raises:
        RequestError: if the file cannot be read, or a newer version or other code made it.
    """
    try:
        state = path.stat()
    except FileNotFoundError:
        return None
    try:
        noise, head = _loaded(path, state.st_size, state.st_mtime_ns)
        record = record_in(path, head.provenance.origin, protocols)
        if not isinstance(record, NoiseRecord) or record.cell.key != cell.key:
            raise DamagedError(f"{path} is the noise of another cell")
        if record.digests.get("noise") != head.digest:
            raise DamagedError(f"{path} is not the noise of its record")
    except ValueError as error:
        if isinstance(error, RequestError) and not isinstance(error, DamagedError):
            raise  # unreadable now, or made by a newer version or other code: no reason to regenerate it
        log.warning("%s; kept as %s, regenerating the noise", one_line(str(error)), set_aside(path).name)
        return None
    return noise, record.model_copy(update={"cell": cell})


def record_in(path: Path, data: dict[str, Any], protocols: tuple[Protocol, ...]) -> Record:
    """Return the record that the header of a file in the cache holds.

    Args:
        path: the file.
        data: the record's JSON data.
        protocols: protocols known besides the shipped ones.

    Raises:
        RequestError: if a newer version or other code made it.
        ValueError: if it is no record.
    """
    try:
        return parse_intact(Upgrader(protocols).upgrade(data))
    except RequestError as error:
        raise RequestError(f"{path}: {error} or give another --cache") from error


@lru_cache(maxsize=1)
def _loaded(path: Path, _size: int, _changed: int) -> tuple[Noise, Head]:
    """Return a noise and its file's header; cached, since the victims of one noise are trained in succession."""
    noise, head = load_noise(path)
    noise.setflags(write=False)
    return noise, head


def forget_noise() -> None:
    """Free the noise that was read last."""
    _loaded.cache_clear()
