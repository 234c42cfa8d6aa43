"""Noise: one int8 tensor in units of 1/255 for a whole training set, and the images that it protects."""

import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from attacks.errors import RequestError
from attacks.files import write_atomically

CHUNK = 1000
Noise = npt.NDArray[np.int8]
Images = npt.NDArray[np.uint8]


def protect(images: Images, noise: Noise) -> Images:
    """Return `clip(images + noise, 0, 255)`, both (N, C, H, W)."""
    protected = np.empty_like(images)
    for start in range(0, len(images), CHUNK):  # in parts, since the sum needs twice the memory
        part = slice(start, start + CHUNK)
        np.clip(images[part].astype(np.int16) + noise[part], 0, 255, out=protected[part], casting="unsafe")
    return protected


def digest(noise: Noise) -> str:
    """Return the SHA-256, in hex, of a noise's shape and values."""
    found = hashlib.sha256(repr(noise.shape).encode())
    found.update(np.ascontiguousarray(noise).data)
    return found.hexdigest()


def save(path: Path, noise: Noise, provenance: str) -> None:
    """Write a noise with its provenance (a JSON text) and digest as safetensors, whole or not at all."""
    from safetensors.numpy import save as to_bytes

    metadata = {"digest": digest(noise), "provenance": provenance, "unit": "1/255"}
    write_atomically(path, to_bytes({"noise": np.ascontiguousarray(noise)}, metadata))


def load(path: Path) -> tuple[Noise, str]:
    """Read a noise and its provenance.

    Raises:
        RequestError: where the file cannot be read, holds something else than int8 noise, or is damaged: its values
            do not give the digest that it carries.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            kind = file.get_slice("noise").get_dtype()
            if kind != "I8":  # asked first, because NumPy lacks some of the types that a file can hold
                raise RequestError(f"{path} is not a noise file: noise has the type I8, not {kind}")
            noise = file.get_tensor("noise")
    except SafetensorError as error:
        raise RequestError(f"{path} is not a noise file: {error}") from error
    except OSError as error:
        raise RequestError(f"cannot read the noise file {path}: {error.strerror or error}") from error
    if metadata.get("digest") != digest(noise):
        raise RequestError(f"{path} is damaged: its noise does not match its digest; remove it to have it made again")
    return noise, metadata.get("provenance", "{}")
