"""Arrays that may be larger than memory."""

import math
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from attacks.core.files import PART, unwritable

LARGE = 2**30  # bytes, from which an array is kept in a file


def empty(shape: Sequence[int], dtype: npt.DTypeLike, folder: Path | None) -> npt.NDArray[Any]:
    """Return an uninitialised array; a large one is a memory-mapped file.

    Args:
        shape, dtype: of the array.
        folder: where to put the file; it is anonymous, and disappears with the array. If None, the array is always in
            memory.

    Raises:
        RequestError: if the disk is full or the folder cannot be written to.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if folder is None or size < LARGE:
        return np.empty(shape, dtype)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder, prefix=".", suffix=PART) as file:
            _reserve(file.fileno(), size)
            return np.memmap(file, dtype, "r+", shape=tuple(shape)).view(np.ndarray)
    except OSError as error:
        raise unwritable(folder, error) from error


def _reserve(handle: int, size: int) -> None:
    """Reserve the disk space now: if it ran out when pages are written, the process would be killed."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(handle, 0, size)
    else:
        os.truncate(handle, size)
