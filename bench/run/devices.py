"""Choose a device, and divide it among workers."""

from importlib.util import find_spec
from itertools import cycle, islice
from pathlib import Path

from attacks.core.errors import RequestError
from attacks.core.packages import install_extras
from bench.data.dataset import Places
from bench.data.resources import cores
from bench.run.workplace import Workplace

MOST_JOBS = 8  # by default
LARGEST = 10_000  # of jobs and threads, which cost memory even if they are idle
PACKAGES = frozenset({"torch", "torchvision", "timm", "kornia", "sklearn", "skimage", "PIL"})


def workplaces(
    device: str, jobs: int | None, *, results: Path, places: Places, by: str, time_limit: float | None = None
) -> list[Workplace]:
    """Return a workplace for each worker.

    By default there is one worker per GPU, or on a CPU one per core, at most 8; CPU cores are divided among them.

    Args:
        device: `auto` (all GPUs, or the CPU if there is none), `cpu`, `cuda` (all GPUs) or `cuda:N`.
        jobs: how many workers; None for the default.
        results, places, by, time_limit: as in `Workplace`.

    Raises:
        RequestError: for an unknown or missing device, or a wrong number of workers; without the extra `run`.
    """
    check_extra()
    check_parallel("--jobs", jobs)
    devices = resolve(device)
    count = jobs or (min(cores(), MOST_JOBS) if devices == ["cpu"] else len(devices))
    threads = max(1, cores() // count)
    return [
        Workplace(results=results, places=places, device=at, threads=threads, by=by, time_limit=time_limit)
        for at in islice(cycle(devices), count)
    ]


def check_parallel(option: str, number: int | None) -> None:
    """Check a number of jobs or threads, if one is given.

    Raises:
        RequestError: if it is below 1 or above `LARGEST`.
    """
    if number is not None and not 1 <= number <= LARGEST:
        raise RequestError(f"{option} takes a whole number from 1 to {LARGEST:,}, not {number}")


def resolve(device: str) -> list[str]:
    """Return the devices that the user asked for; `auto` and `cuda` may be several.

    Raises:
        RequestError: if there is no such device; the message lists the available ones.
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
    """Check that the extra `run` is installed, by looking for torch only.

    Raises:
        RequestError: if it is not.
    """
    if find_spec("torch") is None:
        raise missing_extra()


def missing_extra() -> RequestError:
    """Return the error for the missing extra `run`."""
    return RequestError(f"this command needs the extra `run`; run: {install_extras('run')}")
