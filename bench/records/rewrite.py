"""Rewrite a folder's records of an older schema: the same results under their current cell, key and path."""

import hashlib
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from attacks.core.errors import RequestError, one_line
from attacks.core.files import write_atomically
from bench.config.models import Protocol
from bench.records.store import Store, is_of_schema, records_folder
from bench.records.trust import FILE
from bench.records.upgrades import UNKNOWN, VERSION
from bench.seal import seal

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Rewritten:
    """A file to rewrite: its old and new path, and its new text."""

    before: Path
    after: Path
    text: bytes


def rewrite(root: Path, protocols: tuple[Protocol, ...] = ()) -> tuple[int, int]:
    """Rewrite every record of an older schema below a folder, and its line in `trust.toml`.

    A record whose protocol, method or noise is unknown stays as it is, and so does the noise of a victim that stays,
    so that they can be rewritten later. Victims are rewritten before noises, since upgrading a victim needs the record
    of its noise; if interrupted, the next call completes the work.

    Args:
        root: the folder.
        protocols: protocols known besides the shipped ones.

    Returns:
        How many records were rewritten, and how many older ones stay as they are.

    Raises:
        RequestError: if there is no such folder, a record was made by a newer version, or a file cannot be written.
    """
    older = list(older_files(Store(records_folder(root), protocols)))
    found = [file for file in older if file]
    _rename_in_trust(root, found)
    for file in found:
        write_atomically(file.after, file.text)
        if file.after != file.before:
            file.before.unlink()
    return len(found), len(older) - len(found)


def older_files(store: Store) -> Iterator[Rewritten | None]:
    """Yield the rewritten file for each older record in a folder; None for one that stays as it is.

    Raises:
        RequestError: if a record was made by a newer version.
    """
    noises = {record.cell.key for record in store.noises()}
    for path in store.files("records", "noise"):
        try:
            content = store.content(path)
            if is_of_schema(content):
                continue
            record, place = store.open(path)
            data = json.loads(content)
            if data["schema_version"] == VERSION:  # current, but formatted by other software
                continue
        except RequestError:
            raise
        except (OSError, ValueError) as error:
            _log.warning("skipped %s: %s", path, one_line(str(error)))
            continue
        after, noise = store.path(record.cell), record.cell.inputs.get("noise", record.cell.key)
        file = None
        if path != place:
            _log.warning("skipped %s: its cell belongs at %s", path, place)
        elif noise in noises and UNKNOWN not in record.cell.numbers:
            file = _unless_taken(Rewritten(before=path, after=after, text=seal(store.upgraded(data, content))))
        if file is None:
            noises.discard(noise)
        yield file


def _unless_taken(file: Rewritten) -> Rewritten | None:
    """Return a file to rewrite, or None if its new path holds anything else; an interrupted call left the same."""
    if file.after == file.before or not file.after.exists():
        return file
    if file.after.is_file() and file.after.read_bytes() == file.text:
        return file
    _log.warning("skipped %s: %s already exists", file.before, file.after)
    return None


def _rename_in_trust(root: Path, files: list[Rewritten]) -> None:
    """Update the lines of `trust.toml` that attest the old files so that they attest the new ones."""
    path = root / FILE
    if not path.exists():
        return
    lines = {_line(root, file.before, file.before.read_bytes()): _line(root, file.after, file.text) for file in files}
    old = path.read_bytes()  # whatever its encoding: the lines are ASCII
    new = re.sub(rb"[0-9a-f]{64} [ *]\S+\.json", lambda match: lines.get(match[0].replace(b"*", b" "), match[0]), old)
    if new != old:
        write_atomically(path, new)


def _line(root: Path, path: Path, text: bytes) -> bytes:
    """Return what `sha256sum` prints for a file."""
    return f"{hashlib.sha256(text).hexdigest()}  {path.relative_to(root).as_posix()}".encode()
