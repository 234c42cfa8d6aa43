"""Run jobs on a Ray cluster: one cell per task, each with its share of a node."""

from importlib.util import find_spec
from typing import TYPE_CHECKING

from attacks.core.errors import RequestError
from attacks.core.packages import install_extras
from bench.run.devices import check_extra, check_parallel
from bench.run.executors import ExecutorRequest
from bench.run.executors.ray.share import share_of

if TYPE_CHECKING:
    from bench.run.executors.ray.executor import RayExecutor


def make(request: ExecutorRequest) -> "RayExecutor":
    """Return the executor that uses a Ray cluster, which it joins once there is something to run.

    Raises:
        RequestError: for resources or a device that no cluster could have; without the extra `ray`.
    """
    check_extra()
    if find_spec("ray") is None:
        raise RequestError(f"--executor ray needs the extra `ray`; run: {install_extras('run', 'ray')}")
    check_parallel("--jobs", request.jobs)
    share_of(request.device, request.resources, gpus=True)
    from bench.run.executors.ray.executor import RayExecutor

    return RayExecutor(request)
