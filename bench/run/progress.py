"""Show the progress of a run: live bars on a terminal, plain timestamped lines elsewhere."""

import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Self, TextIO

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn

from attacks.core.errors import first_line
from bench.run.executors.event import Event
from bench.run.job import Job

SECONDS_BETWEEN_LINES = 30.0


class ProgressView(ABC):
    """Context manager that shows the progress of a run until it is exited."""

    def tell(self, event: Event) -> None:
        """Show an event of a job."""
        if event.kind == "began":
            self.began(event.job)
        elif event.kind == "progress":
            self.progress(event.job, event.share)
        else:
            self.ended(event.job, event.status or event.kind, event.error)

    @abstractmethod
    def began(self, job: Job) -> None:
        """Show that a job began."""

    @abstractmethod
    def progress(self, job: Job, share: float) -> None:
        """Show that a share of a job is done."""

    @abstractmethod
    def ended(self, job: Job, status: str, error: str) -> None:
        """Show that a job ended or was handed to a cluster; it may never have started here."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:  # noqa: B027 - nothing is left to do, for most
        """Stop showing progress: the run is over."""


class Pace:
    """Estimates the remaining time from the work observed so far, measured in image-passes.

    Work already done when a job is first seen does not count (it may resume from a state, or end at once because its
    noise is in the cache), nor does the work that a failed job had left.
    """

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._total, self._count = sum(map(work, jobs)), len(jobs)
        self._ended: set[str] = set()  # cell keys, since a noise that is lost ends twice
        self._done: dict[str, float] = {}  # completed work by job
        self._seen = 0.0
        self._start: float | None = None

    def note(self, job: Job, share: float) -> None:
        """Note that `share` of a job is done."""
        if self._start is None and share < 1:
            self._start = time.monotonic()
        done = share * work(job)
        self._seen += done - self._done.get(job.cell.key, done)
        self._done[job.cell.key] = done

    def end(self, job: Job, status: str) -> None:
        """Note that a job has ended; the work that a failed one had left does not count as observed."""
        self._ended.add(job.cell.key)
        if status == "failed":
            self._done[job.cell.key] = work(job)
        else:
            self.note(job, 1.0)

    @property
    def ended(self) -> str:
        """How many jobs have ended, of how many, e.g. `2/7`."""
        return f"{len(self._ended)}/{self._count}"

    @property
    def done(self) -> float:
        """The share of all work that is done."""
        return sum(self._done.values()) / self._total

    def to_go(self) -> str:
        """Return the remaining time, e.g. `3 min left`; empty while too little is done for an estimate."""
        now = time.monotonic()
        elapsed, left = now - (self._start or now), self._total * (1 - self.done)
        if self._seen <= 0.02 * (self._seen + left) or elapsed < 2:
            return ""
        return f"{duration(elapsed * left / self._seen)} left"


def work(job: Job) -> float:
    """Return the work of a job's image-passes, plus one so that it is never 0."""
    return 1.0 + job.passes.work


def duration(seconds: float) -> str:
    """Return seconds as text in a readable unit, e.g. `3 min`."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


class Lines(ProgressView):
    """Plain lines, each with the time (UTC): when jobs begin and end, and at least 30 s apart in between."""

    def __init__(self, jobs: Sequence[Job], stream: TextIO) -> None:
        self._stream = stream
        self._pace = Pace(jobs)
        self._last = time.monotonic()

    def began(self, job: Job) -> None:
        """Print that it began."""
        self._say(f"start  {job.cell.label}")

    def progress(self, job: Job, share: float) -> None:
        """Print its share, if the last line is old enough."""
        self._pace.note(job, share)
        if time.monotonic() - self._last >= SECONDS_BETWEEN_LINES:
            self._say(f"{share:6.0%} {job.cell.label}  {self._pace.to_go()}")

    def ended(self, job: Job, status: str, error: str) -> None:
        """Print its status, with the first line of an error."""
        self._pace.end(job, status)
        reason = f": {first_line(error)}" if error else ""
        self._say(f"{status:6s} {job.cell.label}{reason}  ({self._pace.ended}) {self._pace.to_go()}")

    def _say(self, text: str) -> None:
        self._last = time.monotonic()
        with suppress(OSError):  # a closed terminal or reader is no reason to end the work
            print(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}  {text.rstrip()}", file=self._stream, flush=True)


class Bars(ProgressView):
    """A bar for the whole run and one for each running job; failures stay on the screen above them."""

    def __init__(self, jobs: Sequence[Job], console: Console) -> None:
        self._pace = Pace(jobs)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[note]}"),
            console=console,
            transient=True,
        )
        self._all = self._bars.add_task("all cells", total=1.0, note="")
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def began(self, job: Job) -> None:
        """Show its bar, instead of the one from before if it starts again."""
        self._remove(job)
        self._tasks[job.cell.key] = self._bars.add_task(escape(job.cell.label), total=1.0, note="")

    def progress(self, job: Job, share: float) -> None:
        """Move its bar."""
        self._pace.note(job, share)
        self._bars.update(self._tasks[job.cell.key], completed=share)
        self._update()

    def ended(self, job: Job, status: str, error: str) -> None:
        """Remove its bar; print a failure above the bars."""
        self._pace.end(job, status)
        self._remove(job)
        self._update()
        if error:
            self._bars.console.print(f"{status} {escape(job.cell.label)}: {escape(first_line(error))}")

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def _remove(self, job: Job) -> None:
        if (task := self._tasks.pop(job.cell.key, None)) is not None:
            self._bars.remove_task(task)

    def _update(self) -> None:
        note = f"{self._pace.ended} {self._pace.to_go()}"
        self._bars.update(self._all, completed=self._pace.done, note=note)


@contextmanager
def loading(dataset: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a function that shows the progress of loading a dataset: as a bar on a terminal, not at all elsewhere."""
    bar = Progress(
        TextColumn(escape(f"loading {dataset}")), BarColumn(), TaskProgressColumn(), console=Console(stderr=True)
    )
    bar.disable = not bar.console.is_terminal
    task = bar.add_task("", total=None)
    with bar:
        yield lambda done, total: bar.update(task, completed=done, total=total)


def progress_view(jobs: Sequence[Job]) -> ProgressView:
    """Return the view that suits standard error: bars on a terminal, else lines."""
    console = Console(stderr=True)
    return Bars(jobs, console) if console.is_terminal else Lines(jobs, sys.stderr)
