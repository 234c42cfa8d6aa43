"""What is detected about this machine: devices, memory, names and versions."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from attacks.core.errors import RequestError
from bench.data import Places
from bench.records.noise_cache import noise_file
from bench.records.texts import harm_in
from bench.run import process
from bench.run.devices import MOST_JOBS, workplaces
from bench.run.environment import environment, whoami
from bench.run.plan import Plan
from bench.run.workplace import Workplace

LARGE = 256 * 2**20


@pytest.fixture(autouse=True)
def threads_as_before() -> Iterator[None]:
    import torch

    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def places_for(device: str, jobs: int | None, places: Places) -> list[Workplace]:
    return workplaces(device, jobs, results=Path("results"), places=places, by="test")


def test_cores_are_divided_among_workers(places: Places) -> None:
    cores = len(os.sched_getaffinity(0))
    chosen = places_for("cpu", None, places)
    assert len(chosen) == min(cores, MOST_JOBS)
    assert len(chosen) * chosen[0].threads <= max(cores, len(chosen))
    assert [place.threads for place in places_for("cpu", 1, places)] == [cores]
    assert [place.threads for place in places_for("cpu", 10 * cores, places)] == [1] * (10 * cores)


@pytest.mark.parametrize(
    ("device", "jobs", "words"),
    [
        ("tpu", None, "no device 'tpu'"),
        ("cuda:99", None, "no device 'cuda:99'"),
        ("cpu", 0, "--jobs"),
        ("cpu", -1, "-1"),
        ("cpu", 10**20, "--jobs takes a whole number from 1 to 10,000, not 1"),
    ],
)
def test_wrong_devices_and_jobs_are_refused(device: str, jobs: int | None, words: str, places: Places) -> None:
    with pytest.raises(RequestError, match=words):
        places_for(device, jobs, places)


@pytest.mark.parametrize(("gpus", "device"), [(0, "cpu"), (2, "cuda:0")])
def test_auto_is_a_device_that_is_there(
    gpus: int, device: str, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: gpus)
    assert places_for("auto", 1, places)[0].device == device


def test_peak_memory_is_that_since_the_reset() -> None:
    process.keep_freed()  # as workers do
    process.reset_peak("cpu")
    before = process.peak("cpu")
    assert 10 * 2**20 < before < 2**40  # bytes: more than an interpreter takes, less than a machine has
    block = np.ones(LARGE, dtype=np.uint8)
    with_block = process.peak("cpu")
    assert with_block - before > LARGE * 0.9
    del block
    process.reset_peak("cpu")
    if os.access("/proc/self/clear_refs", os.W_OK):
        assert process.peak("cpu") < with_block - LARGE * 0.5


def test_environment_names_what_a_number_depends_on() -> None:
    found = environment("cpu", 3)
    assert found.device
    assert found.threads == 3
    assert found.driver is None
    assert {"torch", "timm", "numpy"} <= set(found.versions)
    assert (found.commit is None) == (found.dirty is None)


def test_whoami_takes_the_option_first_and_then_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNLEARNABLE_BENCH_BY", "somebody")
    assert whoami() == "somebody"
    assert whoami("me") == "me"


def test_whoami_without_git_is_anonymous(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UNLEARNABLE_BENCH_BY", raising=False)
    monkeypatch.setenv("PATH", "")
    assert whoami() == "anonymous"


@pytest.mark.parametrize(
    ("name", "harm"),
    [
        ("@alice", "the start of a spreadsheet formula"),
        ("Alice <alice@example.org>", "markup or a script URL"),
        ("a" * 201, "201 characters"),
        ("a\nb", "control characters"),
    ],
)
def test_a_name_that_no_record_may_have_is_refused(name: str, harm: str) -> None:
    with pytest.raises(RequestError, match=f"has {harm}, which no record may have; give another with --by"):
        whoami(name)


def test_why_there_are_no_graphs_is_stated_without_harm() -> None:
    reason = "=out of memory in <lambda>, javascript:\n" * 99
    assert harm_in(reason)
    found = environment("cpu", 1, reason).eager
    assert found
    assert found.startswith("out of memory in")
    assert not harm_in(found)


def test_noises_have_files_of_their_own(plan_of: Callable[..., Plan], places: Places) -> None:
    noises = {job.noise.key: job.noise for job in plan_of("seeds=[0,1]").jobs}
    files = {noise_file(places, noise) for noise in noises.values()}
    assert len(files) == len(noises) == 4
    assert all(file.is_relative_to(places.cache) for file in files)
