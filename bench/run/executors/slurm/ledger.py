"""Which cells were submitted to Slurm: one folder per submission, with its logs and the job id of each cell."""

import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

from attacks.core.errors import RequestError
from attacks.core.files import set_aside, write_atomically
from bench.run.executors.slurm.commands import call
from bench.seal import parse_sealed, seal

_FILE = "cells.json"

log = logging.getLogger(__name__)


def submission_folder(results: Path) -> Path:
    """Return the folder of a new submission; its name, which is unique, is also the name of the submission's jobs."""
    return _ledger(results) / f"bench-{uuid4().hex[:8]}"


def note(folder: Path, ids: Mapping[str, str]) -> None:
    """Write down which job runs which cell.

    Args:
        folder: the submission's.
        ids: the ids of its jobs, by the key of their cell.
    """
    write_atomically(folder / _FILE, seal({"ids": dict(ids)}))


def queued(results: Path) -> set[str]:
    """Return the keys of the cells that wait or run in Slurm's queue; none if the queue is unknown."""
    return set(ids_in_queue(results))


def ids_in_queue(results: Path) -> dict[str, str]:
    """Return the ids of the jobs that wait or run in Slurm's queue, by cell key; none if the queue is unknown."""
    files = {file.parent.name: file for file in _ledger(results).glob(f"*/{_FILE}")}
    if not files or shutil.which("squeue") is None:
        return {}
    asked = ("--format=%j %i", f"--name={','.join(files)}", "--states=PENDING,RUNNING,SUSPENDED")
    try:
        lines = call("squeue", "--array", "--noheader", *asked).splitlines()
    except RequestError as error:
        log.warning("%s; the state of the queue is unknown", error)
        return {}
    there = {tuple(line.split()) for line in lines}
    noted = {name: _read(file) for name, file in files.items()}
    return {key: job for name, ids in noted.items() for key, job in ids.items() if (name, job) in there}


def _read(file: Path) -> dict[str, str]:
    try:
        ids: dict[str, str] = parse_sealed(file.read_bytes())["ids"]
    except FileNotFoundError:
        return {}  # removed meanwhile
    except ValueError as error:
        log.warning(
            "%s is damaged (%s); kept as %s, the jobs it listed as queued are unknown",
            file,
            error,
            set_aside(file).name,
        )
        return {}
    return ids


def _ledger(results: Path) -> Path:
    return results.absolute() / ".slurm"
