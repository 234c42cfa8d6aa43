"""Submit jobs to a Slurm cluster through submitit, and return; `submit` does that, and nodes run `task`."""

import re
import shutil
from importlib.util import find_spec

from attacks.core.errors import RequestError
from attacks.core.packages import install_extras
from bench.run.devices import check_parallel
from bench.run.executors import ExecutorRequest
from bench.run.executors.slurm.submit import OWN, SlurmExecutor


def make(request: ExecutorRequest) -> SlurmExecutor:
    """Return the executor for the cluster that this machine can submit to.

    Raises:
        RequestError: without the extra `slurm` or Slurm itself; for an invalid number of jobs, device or resource.
    """
    if find_spec("submitit") is None:
        raise RequestError(f"--executor slurm needs the extra `slurm`; run: {install_extras('run', 'slurm')}")
    if shutil.which("sbatch") is None:
        raise RequestError("sbatch not found; run --executor slurm on a login node of a Slurm cluster")
    check_parallel("--jobs", request.jobs)
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", request.device):
        raise RequestError(
            f"no device {request.device!r}; --device takes auto, cpu, cuda or cuda:N, as found on the node"
        )
    if taken := sorted(OWN & request.resources.keys()):
        raise RequestError(f"--resources {taken[0]} is set by the executor; leave it out")
    return SlurmExecutor(request)
