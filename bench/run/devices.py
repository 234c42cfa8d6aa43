"""Choose a device, and divide it among workers."""

import os
from pathlib import Path

from attacks.errors import RequestError
from bench.data.dataset import Places
from bench.run.extra import check_extra
from bench.run.workplace import Workplace

MOST_JOBS = 8


def workplaces(device: str, jobs: int | None, *, results: Path, places: Places, by: str) -> list[Workplace]:
    """Return a workplace for each worker.

    On a CPU there is a worker per core, at most 8, with the cores divided among them; a GPU has one worker.

    Args:
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        jobs: how many workers; chosen where absent.
        results, places, by: as in `Workplace`.

    Raises:
        RequestError: for another device, one that is not there, or no workers; without the extra `run`.
    """
    check_extra()
    if jobs is not None and jobs < 1:
        raise RequestError(f"--jobs takes a whole number from 1, not {jobs}")
    device = _resolve(device)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    count = jobs or (1 if device.startswith("cuda") else min(cores, MOST_JOBS))
    one = Workplace(results=results, places=places, device=device, threads=max(1, cores // count), by=by)
    return [one] * count


def _resolve(device: str) -> str:
    if device == "cpu":
        return device
    import torch

    count = torch.cuda.device_count()
    names = [f"cuda:{n}" for n in range(count)]
    if device == "auto":
        return names[0] if names else "cpu"
    wanted = "cuda:0" if device == "cuda" else device
    if wanted not in names:
        raise RequestError(f"no device {device!r} here; --device takes one of: {', '.join(['auto', 'cpu', *names])}")
    return wanted
