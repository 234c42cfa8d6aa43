"""What the page says of single records: where they are from, and their curves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.config.models import Cell
from bench.records.schema import Environment, Point, VictimRecord
from bench.records.store import Store
from bench.report.text import printable, shortened

POINTS = 40
LONGEST_ERROR = 600  # characters


@dataclass(frozen=True, kw_only=True)
class Run:
    """One record of a victim.

    Attributes:
        finished: the day.
        file: of the record, as a link from the page; empty where it lies elsewhere.
        steps, accuracies: its curve, at most `POINTS` long; accuracies to a tenth of a percent.
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
    accuracies: tuple[float, ...]


def run_of(record: VictimRecord, file: str) -> Run:
    """Return what the page says of a record; `file` is what `linked` gives for its cell."""
    curve = thinned(record.curve)
    return Run(
        seed=record.cell.seed,
        status=record.status,
        error=shortened(record.error or "", LONGEST_ERROR),
        accuracy=record.metrics.accuracy_final if record.metrics else None,
        device=shortened(record.environment.device),
        commit=_commit(record.environment),
        torch=shortened(record.environment.versions.get("torch", "")),
        by=shortened(record.by),
        finished=shortened(record.finished)[:10],
        file=file,
        key=record.cell.key,
        steps=tuple(point.step for point in curve),
        accuracies=tuple(round(point.accuracy, 1) for point in curve),
    )


def linked(results: Path, out: Path) -> Callable[[Cell], str]:
    """Return what gives the link from a page in `out` to the record of a cell in `results`.

    It is empty where the record lies neither below `out` nor, copied, beside the page: a link out of the folder would
    break as soon as that is published.
    """
    store = Store(results)
    try:
        place = results.resolve().relative_to(out.resolve())
    except ValueError:
        place = Path()

    def link(cell: Cell) -> str:
        file = place / store.find(cell).relative_to(results)
        return file.as_posix() if (out / file).is_file() else ""

    return link


def thinned(curve: Sequence[Point]) -> list[Point]:
    """Return at most `POINTS` of a curve's points, evenly drawn, its last one among them."""
    if len(curve) <= POINTS:
        return list(curve)
    last = len(curve) - 1
    return [curve[last * place // (POINTS - 1)] for place in range(POINTS)]


def _commit(environment: Environment) -> str:
    """Return the commit, marked where the working tree had changes; nothing where it is not known."""
    if environment.commit is None:
        return ""
    commit = printable(environment.commit[:12])
    return f"{commit} with changes" if environment.dirty else commit


@dataclass(frozen=True, kw_only=True)
class Texts:
    """Texts that many runs share, each kept once."""

    places: dict[str, int] = field(default_factory=dict)

    def place(self, text: str) -> int:
        """Return the place of a text among all."""
        return self.places.setdefault(text, len(self.places))
