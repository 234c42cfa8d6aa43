"""Settings of this process: deterministic arithmetic and memory."""

import ctypes
import gc
import resource
import sys
from pathlib import Path
from typing import Any

# mallopt parameters in glibc's malloc.h: when the top of the heap is given back, and what is mapped separately
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
KEPT = 1 << 30  # bytes


def keep_freed() -> None:
    """Keep freed memory for the next tensors: pages given back to the system would fault again."""
    if tell := _find("mallopt"):
        tell(MMAP_THRESHOLD, KEPT)
        tell(TRIM_THRESHOLD, KEPT)


def give_back() -> None:
    """Give freed memory back to the system."""
    if trim := _find("malloc_trim"):
        trim(0)


def _find(name: str) -> Any:
    return getattr(ctypes.CDLL(None), name, None)


def reset_peak(device: str) -> None:
    """Reset the measured peak memory, after freeing what earlier cells left."""
    gc.collect()  # a training and its optimiser refer to each other
    give_back()
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
    """Return the peak memory in bytes: allocated on a GPU, or resident in this process on a CPU."""
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


def set_up(threads: int) -> None:
    """Set torch's number of CPU threads, and choose deterministic kernels.

    Args:
        threads: number of CPU threads.
    """
    import torch

    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)  # error-minimising losses push gradients into denormals, slow on x86
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = False  # fp32 means fp32; bf16 is a precision of its own
    keep_freed()
