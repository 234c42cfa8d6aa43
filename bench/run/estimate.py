"""Estimate how long jobs will take on this machine, from a short measurement of each network."""

import json
import time
from collections.abc import Iterable, Sequence
from typing import Any

from attacks.errors import RequestError
from attacks.files import write_atomically
from bench.run.environment import cpu_name
from bench.run.plan import Job
from bench.run.progress import work
from bench.run.workplace import Workplace

MEASURED_IMAGES = 16


def estimate(jobs: Iterable[Job], workplaces: Sequence[Workplace]) -> float:
    """Return the seconds that jobs will take on so many workers, data loading and evaluation overhead apart.

    The image-passes per second of each (network, image size, precision) are measured once per device and kept in the
    cache.
    """
    rates = _Rates(workplaces[0])
    seconds = sum(work(job) / rates.of(job) for job in jobs if job.network)
    rates.save()
    return seconds / len(workplaces)


class _Rates:
    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace
        self._path = workplace.places.cache / "rates.json"
        self._known = self._read()

    def _read(self) -> dict[str, float]:
        try:
            data: Any = json.loads(self._path.read_text(encoding="utf-8"))
            return {str(name): float(rate) for name, rate in data.items() if float(rate) > 0}
        except (OSError, ValueError, AttributeError, TypeError):
            return {}  # a cache: measured again

    def of(self, job: Job) -> float:
        place = self._workplace
        device = cpu_name() if place.device == "cpu" else place.device
        channels, side = job.shape
        name = f"{device}/{place.threads}/{job.network}/{channels}x{side}/{job.classes}/{job.setup.precision}"
        if name not in self._known:
            self._known[name] = measure(job, place)
        return self._known[name]

    def save(self) -> None:
        try:
            write_atomically(self._path, json.dumps(self._known, indent=2, sort_keys=True).encode())
        except RequestError:
            return  # a plan needs no cache


def measure(job: Job, workplace: Workplace) -> float:
    """Return the image-passes per second of a job's frozen network: the best of two small batches."""
    import torch

    from attacks.frozen import FrozenNetwork
    from attacks.runtime import Runtime
    from victims.network import build

    assert job.network
    torch.set_num_threads(workplace.threads)
    channels, side = job.shape
    runtime = Runtime(device=torch.device(workplace.device), precision=job.setup.precision)
    network = runtime.place(build(job.network, classes=job.classes, channels=channels, size=side, seed=0))
    images = torch.rand(MEASURED_IMAGES if side < 96 else 1, channels, side, side, device=runtime.device)
    labels = torch.zeros(len(images), dtype=torch.int64, device=runtime.device)
    frozen = FrozenNetwork(network, images[:2], runtime)
    best = float("inf")
    for _ in range(2):
        start = time.perf_counter()
        frozen.gradient(images, labels)
        runtime.synchronise()
        best = min(best, time.perf_counter() - start)
    return len(images) / best
