"""Set up this process's arithmetic, so that the same request gives the same bytes, and soon."""

import ctypes

# of mallopt in glibc's malloc.h: what is given back at the top of the heap, and what is mapped on its own
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
KEPT = 1 << 30  # bytes


def set_up(threads: int) -> None:
    """Choose the threads of torch on a CPU, and the kernels that repeat.

    Args:
        threads: how many, on a CPU.
    """
    import torch

    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)  # error-minimising losses push gradients into denormals, slow on x86
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = False  # fp32 means fp32; bf16 is a precision of its own
    keep_freed_memory()


def keep_freed_memory() -> None:
    """Have the C library keep what tensors free: of memory that went back to the system, each page faults anew.

    Only glibc is told; elsewhere nothing happens.
    """
    tell = getattr(ctypes.CDLL(None), "mallopt", None)
    if tell is not None:
        tell(MMAP_THRESHOLD, KEPT)
        tell(TRIM_THRESHOLD, KEPT)
