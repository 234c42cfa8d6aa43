"""What is done, failed, missing or waiting, from the records alone."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest

from attacks.core.errors import RequestError
from bench.data import Places
from bench.records.schema import Record
from bench.records.store import Store
from bench.run.executors.queue import Queue
from bench.run.job import Job
from bench.run.plan import Plan
from bench.run.selection import Retry, Selection, Shard, shard_of
from bench.run.time_limit import seconds_of
from bench.run.todo import Todo, partition

CLEAN, EM = "cifar10/clean/noise/s0", "cifar10/em-fu22/noise/s0"
EM_0, EM_4 = "cifar10/em-fu22/resnet18-w8/r0-s0", "cifar10/em-fu22/resnet18-w8/r4-s0"

Sort = Callable[..., Todo]


@pytest.fixture
def sort(tmp_path: Path, jobs: Sequence[Job], record_for: Callable[..., Record]) -> Sort:
    """Write records with the given statuses, and sort the jobs by what is left to do."""
    store = Store(tmp_path / "results")

    def sorted_out(statuses: dict[str, str], *, only: str | None = None, retry: Retry | None = None) -> Todo:
        for job in jobs:
            status, _, error = statuses.get(job.cell.label, "").partition(": ")
            if status:
                store.write(record_for(job, status, error or None))
        return partition(jobs, store, Selection(only=only, retry=retry))

    return sorted_out


@pytest.mark.parametrize("only", ["(", "x{9999999999}", "(" * 9000 + ")" * 9000])
def test_what_is_no_regular_expression_is_one_line(only: str, sort: Sort) -> None:
    with pytest.raises(RequestError, match="is not a regular expression: ") as caught:
        sort({}, only=only)
    assert len(str(caught.value)) < 400


def labels(jobs: Iterable[Job]) -> list[str]:
    return [job.cell.label for job in jobs]


def test_all_is_missing_where_nothing_is_recorded(sort: Sort, jobs: Sequence[Job]) -> None:
    assert labels(sort({}).missing) == labels(jobs)


def test_all_is_done_where_all_is_recorded(sort: Sort, jobs: Sequence[Job]) -> None:
    todo = sort(dict.fromkeys(labels(jobs), "ok") | {EM: "budget_exhausted"})
    assert labels(todo.done) == labels(jobs)
    assert not todo.missing


def test_noise_goes_along_with_a_missing_victim(sort: Sort, jobs: Sequence[Job]) -> None:
    todo = sort({label: "ok" for label in labels(jobs) if label != EM_4})
    assert labels(todo.missing) == [EM_4]
    assert labels(todo.work) == [EM, EM_4]
    assert EM in labels(todo.done)
    assert CLEAN in labels(todo.done)


def test_failed_is_left_alone_unless_a_retry_is_asked_for(sort: Sort, jobs: Sequence[Job]) -> None:
    statuses = dict.fromkeys(labels(jobs), "ok") | {EM_4: "failed"}
    assert labels(sort(statuses).failed) == [EM_4]
    assert not sort(statuses).missing
    again = sort(statuses, retry="failed")
    assert labels(again.work) == [EM, EM_4]
    assert not again.failed


@pytest.mark.parametrize("only", [None, "em-fu22/resnet"])
def test_victims_of_a_failed_noise_wait(sort: Sort, only: str | None) -> None:
    todo = sort({EM: "failed"}, only=only)
    assert labels(todo.failed) == [EM]
    assert labels(todo.blocked) == [EM_0, EM_4]
    assert EM not in labels(todo.missing)
    retried = sort({EM: "failed"}, only=only, retry="failed")
    assert not retried.failed + retried.blocked
    assert {EM, EM_0, EM_4} <= set(labels(retried.missing))


def test_only_chooses_by_name_and_brings_the_noise(sort: Sort) -> None:
    assert labels(sort({}, only="em.*r4").missing) == [EM, EM_4]
    assert labels(sort({}, only="clean/noise").missing) == [CLEAN]


@pytest.mark.parametrize(("only", "words"), [("[", "not a regular expression"), ("sem", "matches no cell")])
def test_only_that_can_match_nothing_is_refused(sort: Sort, only: str, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        sort({}, only=only)


def test_only_cells_that_exceeded_the_time_limit_are_retried(sort: Sort, jobs: Sequence[Job]) -> None:
    failures = {EM_0: "failed: RuntimeError: out of memory", EM_4: "failed: TimeLimitError: ran for 60 s"}
    todo = sort(dict.fromkeys(labels(jobs), "ok") | failures, retry="timeout")
    assert labels(todo.missing) == [EM_4]
    assert labels(todo.failed) == [EM_0]


@pytest.fixture
def pretrained(plan_of: Callable[..., Plan], places: Places, write_tree: Callable[..., Path]) -> Sequence[Job]:
    """The jobs of two victims that start from the same weights, after their noises."""
    counts = {f"{split}/{name}": 1 for split in ("train", "test") for name in ("dog", "eel")}
    write_tree(places.data / "more", counts, size=(32, 32))
    return plan_of("victims=resnet18-w8.more", "radii=[0]").jobs


@pytest.mark.parametrize(
    ("error", "retry", "blocked"),
    [
        ("it diverged", None, True),
        ("it diverged", "timeout", True),
        ("it diverged", "failed", False),
        ("TimeLimitError: ran for 60 s", None, False),
    ],
)
def test_victims_of_a_failed_pretraining_wait(
    error: str,
    retry: Retry | None,
    blocked: bool,
    pretrained: Sequence[Job],
    tmp_path: Path,
    record_for: Callable[..., Record],
) -> None:
    store, noises, victims = Store(tmp_path / "results"), pretrained[:2], pretrained[2:]
    source = victims[0].pretraining
    assert source == victims[1].pretraining
    assert source
    store.write(record_for(source, "failed", error))
    todo = partition(pretrained, store, Selection(retry=retry))
    assert labels(todo.missing) == labels(noises if blocked else pretrained)
    assert labels(todo.failed) == [source.cell.label] * blocked
    assert labels(todo.blocked) == labels(victims) * blocked
    only = partition(pretrained, store, Selection(only="resnet", retry=retry))
    assert labels(only.missing) == labels(() if blocked else pretrained)


@pytest.mark.parametrize(("error", "repeated"), [("it diverged", False), ("TimeLimitError: ran for 60 s", True)])
def test_a_pretraining_that_failed_is_not_repeated_for_the_next_victim(
    error: str, repeated: bool, pretrained: Sequence[Job], tmp_path: Path, record_for: Callable[..., Record]
) -> None:
    store, (*noises, first, second) = Store(tmp_path / "results"), pretrained
    source = first.pretraining
    assert source
    store.write(record_for(source, "failed", "in an earlier run"))
    queue = Queue(pretrained, store)
    for _ in noises:
        job = queue.next()
        assert isinstance(job, Job)
        queue.end(job, record_for(job))
    assert queue.next() in (first, second)
    again = record_for(source, "failed", error).model_copy(update={"finished": "2026-01-02T00:00:00+00:00"})
    store.write(again)
    assert (queue.next() is not None) == repeated
    queue.close()


@pytest.mark.parametrize("count", [1, 2])
def test_each_cell_is_in_one_shard_with_its_noise(count: int, jobs: Sequence[Job]) -> None:
    parts = [Selection(shard=shard_of(f"{number}/{count}")).of(jobs) for number in range(1, count + 1)]
    assert sorted(labels(job for part in parts for job in part)) == sorted(labels(jobs))
    assert all(job.noise.label in labels(part) for part in parts for job in part)


def test_shards_beyond_the_noises_are_empty(jobs: Sequence[Job]) -> None:
    with pytest.raises(RequestError, match="--shard 3/3 is empty: the selection has only 2 noises"):
        Selection(shard=Shard(number=3, count=3)).of(jobs)


def test_shards_divide_what_only_leaves(jobs: Sequence[Job]) -> None:
    assert labels(Selection(only="em-fu22/noise", shard=Shard(number=1, count=2)).of(jobs)) == [EM]
    with pytest.raises(RequestError, match=r"--shard 2/2 is empty: the selection has only 1 noise$"):
        Selection(only="em-fu22", shard=Shard(number=2, count=2)).of(jobs)


@pytest.mark.parametrize("text", ["0/4", "5/4", "1/0", "a/b", "1", "1/4/8", "-1/4", " 1/4"])
def test_what_is_not_a_shard_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="--shard takes I/N"):
        shard_of(text)


def test_times_are_read_in_their_units() -> None:
    assert [seconds_of(text) for text in ("90", "90s", "30m", "1.5h", "2d")] == [90, 90, 1800, 5400, 172_800]


@pytest.mark.parametrize("text", ["", "0", "0h", "-1", "1w", "1h30m", "h", "nan", "1e3", "1."])
def test_what_is_not_a_time_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="--budget takes a time such as 90"):
        seconds_of(text, "--budget")
