"""What the C library does with memory that tensors free; only glibc is told, elsewhere nothing happens."""

import ctypes
from typing import Any

# of mallopt in glibc's malloc.h: what is given back at the top of the heap, and what is mapped on its own
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
KEPT = 1 << 30  # bytes


def keep_freed() -> None:
    """Keep what is freed for the next tensors: of memory that went back to the system, each page faults anew."""
    if tell := _find("mallopt"):
        tell(MMAP_THRESHOLD, KEPT)
        tell(TRIM_THRESHOLD, KEPT)


def give_back() -> None:
    """Give what is freed back to the system."""
    if trim := _find("malloc_trim"):
        trim(0)


def _find(name: str) -> Any:
    return getattr(ctypes.CDLL(None), name, None)
