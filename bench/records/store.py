"""The folder of records: one JSON file per cell."""

import json
import logging
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from attacks.core.errors import DamagedError, RequestError, one_line
from attacks.core.files import paths_below, set_aside, unreadable, write_atomically
from bench.config.models import Cell, NoiseCell, Protocol
from bench.records.schema import NoiseRecord, Record, parse_intact, parse_record
from bench.records.upgrades import (
    VERSION,
    Data,
    FormerCell,
    FormerNoise,
    FormerVictim,
    Upgrader,
    former_cell,
    is_sealed,
)
from bench.seal import seal

_LONGEST = 300  # characters of a message about a damaged file
_log = logging.getLogger(__name__)


class Store:
    """Records under `root/records` (victims) and `root/noise`; a record's path depends on its cell alone.

    Records of an older schema are upgraded as they are read; their files are left untouched.

    Args:
        root: the folder.
        protocols: protocols known besides the shipped ones, for records of an older schema.
    """

    def __init__(self, root: Path, protocols: tuple[Protocol, ...] = ()) -> None:
        self.root = root
        self._upgrader = Upgrader(protocols, self._noise_of)
        self._older: dict[Path, str | None] = {}  # the current keys of older files, None for all others
        self._noises: dict[Path, NoiseCell | None] = {}
        self._listed: dict[Path, tuple[int, Mapping[str, Sequence[str]]]] = {}  # folders, as last listed

    def path(self, cell: Cell | FormerCell) -> Path:
        """Return where the record of `cell` is, or would be."""
        key8 = cell.key[:8]
        if isinstance(cell, NoiseCell | FormerNoise):
            return self.root / "noise" / cell.dataset / cell.method / f"s{cell.seed}-{key8}.json"
        folder = self.root / "records" / cell.dataset / cell.method / cell.victim
        return folder / f"r{cell.rho_a:g}-s{cell.seed}-{key8}.json"

    def read(self, cell: Cell) -> Record | None:
        """Return the record of `cell`, or None where there is none.

        A file that is damaged, or that belongs to another cell, counts as none, with a warning.

        Raises:
            RequestError: if the file cannot be read at all, or was made by a newer version or other code.
        """
        try:
            return self._intact(cell)
        except DamagedError as error:
            _warn_once(f"{error}; its cell counts as not yet run")
            return None

    def find(self, cell: Cell) -> Path:
        """Return the file of `cell`: where it belongs, or one of an older schema if only that exists."""
        path = self.path(cell)
        if path.exists():
            return path
        others = self._names(path.parent).get(_stem(path.name), ())
        return next((other for name in others if self._key(other := path.with_name(name)) == cell.key), path)

    def write(self, record: Record) -> Record:
        """Write `record`, unless its cell already has one that did not fail, and return the one that is there then.

        A file that is damaged, or that belongs to another cell, is renamed to `*.corrupt` with a warning.

        Raises:
            RequestError: if the disk is full or the folder cannot be written.
        """
        try:
            known = self._intact(record.cell)
        except DamagedError as error:
            known = None
            _log.warning("%s; kept as %s", error, set_aside(self.find(record.cell)).name)
        if known and known.status != "failed":
            return known
        path, before = self.path(record.cell), self.find(record.cell)
        # Pydantic's own JSON turns a loss that is not finite into null, which the schema allows and JSON can hold.
        write_atomically(path, seal(json.loads(record.model_dump_json())))
        if before != path:  # a failure in a file of an older schema
            before.unlink(missing_ok=True)
        return record

    def all(self) -> Iterator[Record]:
        """Yield every record that is `readable`, noises first and sorted by path; raises like `readable`."""
        for path in self.files():
            if record := self.readable(path):
                yield record

    def noises(self) -> Iterator[NoiseRecord]:
        """Yield every record of a noise that is `readable`, sorted by path; raises like `readable`."""
        for path in self.files("noise"):
            if isinstance(record := self.readable(path), NoiseRecord):
                yield record

    def files(self, *folders: str) -> Iterator[Path]:
        """Yield the files that may hold records, sorted by path; from these folders, by default noises first."""
        for folder in folders or ("noise", "records"):
            yield from paths_below(self.root / folder, ".json")

    def readable(self, path: Path) -> Record | None:
        """Return the record in a file, or None, with a warning, where there is none or the file is misplaced.

        Raises:
            RequestError: if a record was made by a newer version or other code, since leaving it out would be a silent
                gap.
        """
        try:
            record, place = self.open(path)
        except OSError as error:
            _log.warning("skipped: %s", unreadable(path, error))
            return None
        except RequestError:
            raise
        except ValueError as error:
            _log.warning("skipped %s: %s; rerun its cell or remove the file", path, one_line(str(error), _LONGEST))
            return None
        if path != place:  # a copy under another name would count one cell twice
            _log.warning("skipped %s: its cell belongs at %s", path, place)
            return None
        return record

    def open(self, path: Path) -> tuple[Record, Path]:
        """Read one file, and return its record and the path where a file of its schema belongs.

        Raises:
            OSError: if it cannot be read.
            ValueError: if it holds no record, or one that was changed after it was written.
            RequestError: if it was made by a newer version, or by other code with the same schema.
        """
        try:
            return self._parsed(self.content(path))
        except RecursionError as error:
            raise ValueError("nested too deeply") from error
        except RequestError as error:
            raise RequestError(f"{path}: {error}") from error

    @staticmethod
    def content(path: Path) -> bytes:
        """Return the content of a file.

        Raises:
            OSError: if it cannot be read.
            ValueError: if it is not a regular file.
        """
        if not stat.S_ISREG(path.stat().st_mode):  # reading a pipe would block forever
            raise ValueError("not a regular file")
        return path.read_bytes()

    def _parsed(self, text: bytes) -> tuple[Record, Path]:
        """Return the record in a file with this text, and the path where such a file belongs."""
        data = json.loads(text)
        if not isinstance(data, dict):
            raise ValueError("not a JSON object")  # noqa: TRY004 - one kind of error for everything that is not a record
        current = self.upgraded(data, text)
        record = parse_intact(current) if is_sealed(data) else parse_record(current)
        return record, self.place(data, record)

    def upgraded(self, data: Data, text: bytes) -> Data:
        """Return the data of a file with this text, at the current schema version and without its seal.

        Raises:
            RequestError, ValueError: as `Upgrader.opened`.
        """
        return self._upgrader.opened(data, text)

    def place(self, data: Data, record: Record) -> Path:
        """Return the path where a file with `data` belongs; `record` was made from this data."""
        return self.path(record.cell if data["schema_version"] == VERSION else former_cell(data))

    def _names(self, folder: Path) -> Mapping[str, Sequence[str]]:
        """Return a folder's sorted record names by their part before the key; relisted only if the folder changed."""
        try:
            changed = folder.stat().st_mtime_ns
            if folder not in self._listed or self._listed[folder][0] != changed:
                found: dict[str, list[str]] = {}
                for name in sorted(name for name in os.listdir(folder) if name.endswith(".json")):  # noqa: PTH208
                    found.setdefault(_stem(name), []).append(name)
                self._listed[folder] = changed, found
        except OSError:
            return {}
        return self._listed[folder][1]

    def _intact(self, cell: Cell) -> Record | None:
        """Return the record of `cell`, or None where there is none.

        Raises:
            DamagedError: if its file is damaged or belongs to another cell.
            RequestError: if the file cannot be read at all, or was made by a newer version or other code.
        """
        path = self.find(cell)
        try:
            record, _ = self.open(path)
            if record.cell.key != cell.key:
                raise ValueError("it is the record of another cell")  # noqa: TRY301 - one way to report all damage
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise unreadable(path, error) from error
        except RequestError:
            raise
        except ValueError as error:
            raise DamagedError(f"{path} is damaged ({one_line(str(error), _LONGEST)})") from error
        return record

    def _key(self, path: Path) -> str | None:
        """Return the current key of a file of an older schema; None for any other or unreadable file."""
        if path not in self._older:
            try:
                self._older[path] = None if is_of_schema(self.content(path)) else self.open(path)[0].cell.key
            except (OSError, ValueError):
                self._older[path] = None
        return self._older[path]

    def _noise_of(self, victim: FormerVictim) -> NoiseCell | None:
        """Return the current cell of the noise that an older victim was trained on, from the noise's record."""
        key8 = victim.inputs.get("noise", "")[:8]
        path = self.root / "noise" / victim.dataset / victim.method / f"s{victim.seed}-{key8}.json"
        if path not in self._noises:
            try:
                record, place = self.open(path)
            except (OSError, ValueError):
                self._noises[path] = None
            else:
                is_noise = isinstance(record, NoiseRecord) and place == path
                self._noises[path] = record.cell if is_noise and isinstance(record.cell, NoiseCell) else None
        return self._noises[path]


@cache
def _warn_once(text: str) -> None:
    """Log a warning that several readers of a file would repeat."""
    _log.warning(text)


def records_folder(path: Path) -> Path:
    """Return the path of a folder of records.

    Raises:
        RequestError: if there is no such folder.
    """
    if not path.is_dir():
        raise RequestError(f"no folder of records at {path}; give the folder that `run` wrote to")
    return path


def is_of_schema(text: bytes) -> bool:
    """Return whether the text of a record's file, as `write` lays it out, is of the current schema version."""
    return f'"schema_version": {VERSION},'.encode() in text


def _stem(name: str) -> str:
    """Return the name of a record's file up to the key."""
    return name.rpartition("-")[0]
