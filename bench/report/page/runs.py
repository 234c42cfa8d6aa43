"""What the page shows of single records: their origin and their curves."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.records.schema import Environment, Point, VictimRecord
from bench.report.text import printable, shortened

POINTS = 20  # per curve, at most
LONGEST_ERROR = 600  # characters


@dataclass(frozen=True, kw_only=True)
class Run:
    """One record of a victim.

    Attributes:
        finished: the date.
        file: link from the page to the record's file; empty if the page cannot link to it.
        steps, accuracies: its curve, at most `POINTS` long; accuracies to a whole percent, two pixels on the page.
    """

    seed: int
    status: str
    error: str
    accuracy: float | None
    device: str
    commit: str
    torch: str
    by: str
    finished: str
    file: str
    key: str
    steps: tuple[int, ...]
    accuracies: tuple[int, ...]


def run_of(record: VictimRecord) -> Run:
    """Return what the page shows of a record; `file` is left empty."""
    curve = thinned(record.curve)
    return Run(
        seed=record.cell.seed,
        status=record.status,
        error=shortened(record.error or "", LONGEST_ERROR),
        accuracy=record.metrics.accuracy_final if record.metrics else None,
        device=shortened(record.environment.hardware),
        commit=_commit(record.environment),
        torch=shortened(record.environment.versions.get("torch", "")),
        by=shortened(record.by),
        finished=shortened(record.finished)[:10],
        file="",
        key=record.cell.key,
        steps=tuple(point.step for point in curve),
        accuracies=tuple(round(point.accuracy) for point in curve),
    )


class Runs:
    """What the page shows of the records in a folder.

    A record is linked only if it, or a copy of it, lies below the page's folder `out`: a link out of that folder would
    break as soon as the page is published.

    Attributes:
        found: the runs, by cell key.
    """

    def __init__(self, results: Path, out: Path) -> None:
        self.found: dict[str, Run] = {}
        self._out = out
        try:
            place = results.resolve().relative_to(out.resolve()).as_posix()
        except ValueError:
            place = "."
        self._place = "" if place == "." else place

    def take(self, victim: VictimRecord) -> dict[str, Any]:
        """Return what the page shows of a record, except the link, in a form that JSON can hold."""
        return asdict(run_of(victim))

    def note(self, name: str, taken: dict[str, Any]) -> None:
        """Add what was taken from a record; `name` is its file, relative to the folder."""
        file = f"{self._place}/{name}" if self._place else name
        link = file if os.path.isfile(f"{self._out}/{file}") else ""  # noqa: PTH113 - quick, for thousands of files
        lists = {name: tuple(taken[name]) for name in ("steps", "accuracies")}
        self.found[taken["key"]] = Run(**{**taken, **lists, "file": link})


def thinned(curve: Sequence[Point]) -> list[Point]:
    """Return at most `POINTS` of a curve's points, evenly spaced, including the last."""
    if len(curve) <= POINTS:
        return list(curve)
    last = len(curve) - 1
    return [curve[last * place // (POINTS - 1)] for place in range(POINTS)]


def _commit(environment: Environment) -> str:
    """Return the commit, marked if the working tree had changes; empty if it is unknown."""
    if environment.commit is None:
        return ""
    commit = printable(environment.commit[:12])
    return f"{commit} with changes" if environment.dirty else commit
