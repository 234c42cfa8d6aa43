"""Choose a device, and divide it among workers."""

import os
from importlib.util import find_spec
from itertools import cycle, islice
from pathlib import Path

from attacks.core.errors import RequestError
from attacks.core.packages import install_extras
from bench.data.dataset import Places
from bench.run.workplace import Workplace

MOST_JOBS = 8
PACKAGES = frozenset({"torch", "torchvision", "timm", "kornia", "sklearn", "skimage", "PIL"})


def workplaces(
    device: str, jobs: int | None, *, results: Path, places: Places, by: str, time_limit: float | None = None
) -> list[Workplace]:
    """Return a workplace for each worker.

    On a CPU there is a worker per core, at most 8, with the cores divided among them; else there is one per GPU.

    Args:
        device: `auto` (all GPUs, or the CPU where there is none), `cpu`, `cuda` (all GPUs) or `cuda:N`.
        jobs: how many workers; chosen where absent.
        results, places, by, time_limit: as in `Workplace`.

    Raises:
        RequestError: for another device, one that is not there, or no workers; without the extra `run`.
    """
    check_extra()
    check_jobs(jobs)
    devices = resolve(device)
    count = jobs or (min(cores(), MOST_JOBS) if devices == ["cpu"] else len(devices))
    threads = max(1, cores() // count)
    return [
        Workplace(results=results, places=places, device=at, threads=threads, by=by, time_limit=time_limit)
        for at in islice(cycle(devices), count)
    ]


def check_jobs(jobs: int | None) -> None:
    """Check a number of cells at once.

    Raises:
        RequestError: where it is not.
    """
    if jobs is not None and jobs < 1:
        raise RequestError(f"--jobs takes a whole number of at least 1, not {jobs}")


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def resolve(device: str) -> list[str]:
    """Return the devices that a user names; `auto` and `cuda` may be several.

    Raises:
        RequestError: where there is no such device, with those that there are.
    """
    if device == "cpu":
        return [device]
    import torch

    names = [f"cuda:{n}" for n in range(torch.cuda.device_count())]
    if device == "auto":
        return names or ["cpu"]
    if device == "cuda" and names:
        return names
    if device not in names:
        raise RequestError(
            f"no device {device!r} on this machine; choose --device from: {', '.join(['auto', 'cpu', *names])}"
        )
    return [device]


def check_extra() -> None:
    """Check that the extra is installed, as far as a quick look shows.

    Raises:
        RequestError: where it is not.
    """
    if find_spec("torch") is None:
        raise missing_extra()


def missing_extra() -> RequestError:
    """Return the error for a missing extra."""
    return RequestError(f"this command needs the extra `run`; run: {install_extras('run')}")
