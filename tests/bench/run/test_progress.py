"""How a run reports its progress."""

import contextlib
import io
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace

import pytest
from rich.console import Console

from attacks.core.cost import Passes
from bench.run import progress
from bench.run.job import Job
from bench.run.progress import Bars, Lines, Pace, duration, work


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that only moves when told to."""
    at = SimpleNamespace(now=100.0)
    monkeypatch.setattr(progress.time, "monotonic", lambda: at.now)
    return at


def two_alike(jobs: Sequence[Job]) -> list[Job]:
    return [replace(job, passes=Passes(attack=1000)) for job in jobs[:2]]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "120 min"), (7200, "2 h"), (172_800, "2 d"), (3e7, "347 d")],
)
def test_durations_are_in_a_persons_unit(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_work_counts_training_above_and_forward_below_an_attack_pass(jobs: Sequence[Job]) -> None:
    assert work(replace(jobs[0], passes=Passes(attack=10, train=10, forward=10))) == 1 + 10 + 15 + 5
    assert work(replace(jobs[0], passes=Passes())) > 0


def test_lines_that_nobody_reads_any_more_end_nothing(jobs: Sequence[Job]) -> None:
    """As when a run's terminal was closed, or its output was piped into `head`."""
    read, write = os.pipe()
    os.close(read)
    with contextlib.suppress(BrokenPipeError), open(write, "w", encoding="utf-8", buffering=1) as stream:  # noqa: PTH123
        lines = Lines(jobs, stream)
        for job in jobs:
            lines.began(job)
            lines.ended(job, "ok", "")
    assert lines._pace.ended == f"{len(jobs)}/{len(jobs)}"


def test_pace_goes_by_work_and_says_nothing_too_early(jobs: Sequence[Job], clock: SimpleNamespace) -> None:
    one, two = two_alike(jobs)
    pace = Pace([one, two])
    pace.note(one, 0.0)
    clock.now += 1
    pace.note(one, 0.5)
    assert pace.done == pytest.approx(0.25)
    assert pace.to_go() == ""
    clock.now += 9
    assert pace.to_go() == "30 s left"
    pace.note(one, 1.0)
    assert pace.to_go() == "10 s left"
    pace.note(two, 1.0)
    assert pace.to_go() == "0 s left"


def test_pace_leaves_out_what_was_done_before(jobs: Sequence[Job], clock: SimpleNamespace) -> None:
    cached, resumed = two_alike(jobs)
    pace = Pace([cached, resumed])
    pace.note(cached, 1.0)
    clock.now += 10
    pace.note(resumed, 0.5)
    assert pace.to_go() == ""
    clock.now += 10
    pace.note(resumed, 0.75)
    assert pace.done == pytest.approx(0.875)
    assert pace.to_go() == "10 s left"


def test_pace_leaves_out_what_failed(jobs: Sequence[Job], clock: SimpleNamespace) -> None:
    fails, goes = two_alike(jobs)
    pace = Pace([fails, goes])
    pace.note(fails, 0.0)
    pace.note(goes, 0.0)
    clock.now += 10  # both at once
    pace.note(fails, 0.25)
    pace.note(goes, 0.25)
    pace.end(fails, "failed")
    assert pace.done == pytest.approx(0.625)
    assert pace.to_go() == "15 s left"
    pace.end(goes, "ok")
    assert pace.to_go() == "0 s left"


def test_lines_have_a_time_and_tell_of_begin_end_and_now_and_then(jobs: Sequence[Job], clock: SimpleNamespace) -> None:
    out = io.StringIO()
    one, two = two_alike(jobs)
    lines = Lines([one, two], out)
    lines.began(one)
    clock.now += 10
    lines.progress(one, 0.25)  # too soon after the last line
    clock.now += 30
    lines.progress(one, 0.5)
    lines.ended(one, "ok", "")
    lines.began(two)
    lines.ended(two, "failed", "it broke\nin detail")
    texts = [re.sub(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  ", "", line) for line in out.getvalue().splitlines()]
    assert texts == [
        "start  cifar10/clean/noise/s0",
        "   50% cifar10/clean/noise/s0  3 min left",
        "ok     cifar10/clean/noise/s0  (1/2) 40 s left",
        "start  cifar10/em-fu22/noise/s0",
        "failed cifar10/em-fu22/noise/s0: it broke  (2/2) 0 s left",
    ]


def test_bars_show_jobs_and_keep_failures_as_they_are_written(jobs: Sequence[Job]) -> None:
    out = io.StringIO()
    console = Console(force_terminal=True, file=out, width=120, color_system=None)
    one, two = jobs[:2]
    with Bars(jobs[:2], console) as bars:
        bars.began(one)
        bars.progress(one, 0.5)
        bars.ended(one, "ok", "")
        bars.began(two)
        bars.ended(two, "failed", "[red]odd[/nothing] file [Errno 5]\nin detail")
    text = out.getvalue()
    assert "all cells" in text
    assert "failed cifar10/em-fu22/noise/s0: [red]odd[/nothing] file [Errno 5]" in text
    assert "in detail" not in text


def test_view_off_a_terminal_is_lines(jobs: Sequence[Job], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(progress.sys, "stderr", io.StringIO())
    assert isinstance(progress.progress_view(jobs), Lines)


def test_a_noise_that_is_lost_and_made_again_counts_once(jobs: Sequence[Job]) -> None:
    stream = io.StringIO()
    lines = Lines(jobs, stream)
    for _ in range(2):
        lines.ended(jobs[0], "ok", "")
    assert stream.getvalue().count(f"(1/{len(jobs)})") == 2


def test_a_job_that_starts_again_has_one_bar(jobs: Sequence[Job]) -> None:
    bars = Bars(jobs, Console(file=io.StringIO()))
    for _ in range(2):
        bars.began(jobs[0])
    assert len(bars._bars.tasks) == 2  # with that of all cells
    bars.ended(jobs[0], "ok", "")
    assert len(bars._bars.tasks) == 1
