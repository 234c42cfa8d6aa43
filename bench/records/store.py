"""The folder of records: one JSON file per cell."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

from attacks.errors import RequestError, one_line
from attacks.files import set_aside, write_atomically
from bench.config.models import Cell, NoiseCell
from bench.records.schema import Record, parse
from bench.records.upgrades import opened
from bench.seal import seal

_LONGEST = 300  # characters of what is said of a damaged file
_log = logging.getLogger(__name__)


class Store:
    """Records under `root/records` (victims) and `root/noise`; a cell's path is decided by the cell alone."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, cell: Cell) -> Path:
        """Return where the record of `cell` is, or would be."""
        key8 = cell.key[:8]
        if isinstance(cell, NoiseCell):
            return self.root / "noise" / cell.dataset / cell.method / f"s{cell.seed}-{key8}.json"
        folder = self.root / "records" / cell.dataset / cell.method / cell.victim
        return folder / f"r{cell.rho_a:g}-s{cell.seed}-{key8}.json"

    def read(self, cell: Cell) -> Record | None:
        """Return the record of `cell`, or None where there is none.

        A file that is damaged, or that belongs to another cell, is renamed to `*.corrupt` with a warning.

        Raises:
            RequestError: where the file cannot be read at all, or was made by a newer version.
        """
        path = self.path(cell)
        try:
            return _load(path, cell)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise RequestError(f"cannot read {path}: {error.strerror or error}; check its permissions") from error
        except RequestError:
            raise
        except ValueError as error:
            _log.warning("%s is damaged (%s); kept as %s", path, one_line(str(error), _LONGEST), set_aside(path).name)
            return None

    def write(self, record: Record) -> Record:
        """Write `record` where its cell belongs and return the one that is there then: an older one that did not fail.

        Raises:
            RequestError: where the disk is full or the folder cannot be written.
        """
        if (known := self.read(record.cell)) and known.status != "failed":
            return known
        # Pydantic's own JSON turns a loss that is not finite into null, which the schema allows and JSON can hold.
        write_atomically(self.path(record.cell), seal(json.loads(record.model_dump_json())))
        return record

    def all(self) -> Iterator[Record]:
        """Yield every readable record, noises first and sorted by path; others are warned about and skipped.

        Raises:
            RequestError: where a record was made by a newer version, since leaving it out would be a silent gap.
        """
        for folder in ("noise", "records"):
            for path in sorted((self.root / folder).rglob("*.json")):
                try:
                    record = _load(path)
                except RequestError:
                    raise
                except (OSError, ValueError) as error:
                    _log.warning("skipped %s: %s", path, one_line(str(error), _LONGEST))
                    continue
                # A copy under another name would count one cell twice.
                if path != self.path(record.cell):
                    _log.warning("skipped %s: its cell belongs at %s", path, self.path(record.cell))
                    continue
                yield record


def _load(path: Path, cell: Cell | None = None) -> Record:
    """Read one file, which must be the record of `cell` where one is given.

    Raises:
        OSError: where it cannot be read.
        ValueError: where it holds no record, that of another cell, or one that was changed since it was written.
        RequestError: where it was made by a newer version.
    """
    try:
        text = path.read_bytes()
        data = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(data, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - one kind of error for everything that is no record
    try:
        record = parse(opened(data, text))
    except RequestError as error:
        raise RequestError(f"{path}: {error}") from error
    if cell is not None and record.cell.key != cell.key:
        raise ValueError("it is the record of another cell")
    return record
