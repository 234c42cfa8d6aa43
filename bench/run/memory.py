"""Peak memory of one cell."""

import resource
import sys
from pathlib import Path

from bench.run import heap


def reset_peak(device: str) -> None:
    """Start a new measurement; what earlier cells have freed does not count."""
    heap.give_back()
    if device.startswith("cuda"):
        import torch

        torch.cuda.init()  # a new process has no device to reset before
        torch.cuda.reset_peak_memory_stats(device)
        return
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return  # no such file outside Linux: the peak is then the process's own


def peak(device: str) -> int:
    """Return the bytes at the peak: allocated on a GPU, resident in this process on a CPU."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.max_memory_allocated(device)
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        status = ""
    for line in status.splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024  # for systems whose /proc lacks the line
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
