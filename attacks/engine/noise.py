"""Noise: one tensor in units of 1/255 for a whole training set, and the images that it protects.

It is int8, or int16 if entries lie outside -127 to 127. A noise file also holds the noise's name, which images it is
for, and where it comes from.
"""

import contextlib
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field, ValidationError

from attacks.core.arrays import empty
from attacks.core.errors import DamagedError, escaped
from attacks.core.files import unreadable, write_whole
from attacks.core.settings import Name, Settings

PART = 2**22  # entries processed at once
Noise = npt.NDArray[np.int8 | np.int16]
TYPES = ("I8", "I16")
_WORDS = str.maketrans({"f": "float", "i": "int", "u": "uint"})  # as in F32, the name of a type in such files
_AGAIN = "regenerate it or download it again"
_CONVERT = "`python -m bench noise import` converts it"
LARGEST = 255  # of an entry: from black to white
Images = npt.NDArray[np.uint8]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Provenance(Settings):
    """The identity and origin of noise.

    Attributes:
        name: the name of the method that made it, or one given by the user.
        dataset: the name of the dataset whose training images it is for.
        dataset_digest: the digest of that dataset, over shapes, classes, pixels and labels in order.
        origin: how it was made: the record of its generation, or the file that it was imported from.
    """

    name: Name
    dataset: Name
    dataset_digest: Digest
    origin: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Head:
    """The metadata of a noise file; only reading the noise itself shows whether they are correct.

    Attributes:
        shape: (N, C, H, W).
        digest: as returned by `digest`.
        largest: as returned by `largest_value`.
        provenance: identity and origin.
    """

    shape: tuple[int, ...]
    digest: str
    largest: int
    provenance: Provenance


def apply_noise(
    images: Images, noise: Noise, chosen: npt.NDArray[np.bool_] | None = None, folder: Path | None = None
) -> Images:
    """Return `clip(images + noise, 0, 255)`.

    Args:
        images, noise: both (N, C, H, W).
        chosen: (N,), which images get their noise; None: all of them.
        folder: where the result is kept if it is large, as for `attacks.core.arrays.empty`.
    """
    protected = empty(images.shape, images.dtype, folder)
    for part in slices(images.shape):  # a sum needs twice the memory
        added = noise[part] if chosen is None else noise[part] * chosen[part, None, None, None]
        np.clip(images[part].astype(np.int16) + added, 0, 255, out=protected[part], casting="unsafe")
    return protected


def slices(shape: Sequence[int]) -> Iterator[slice]:
    """Yield slices of the first axis, in order, of a few million entries each, or of one item if it has more."""
    count = max(1, PART // max(1, math.prod(shape[1:])))
    for start in range(0, shape[0], count):
        yield slice(start, start + count)


def digest(noise: Noise) -> str:
    """Return the SHA-256, in hex, of the shape and values of noise."""
    found = hashlib.sha256(repr(noise.shape).encode())
    found.update(np.ascontiguousarray(noise).data)
    return found.hexdigest()


def largest_value(noise: npt.NDArray[Any]) -> int:
    """Return the largest absolute value of an integer array."""
    return max(abs(int(noise.min())), abs(int(noise.max())))


def mean_norm(noise: Noise) -> float:
    """Return the Euclidean norm, averaged over images, in 1/255."""
    several = (noise[part] for part in slices(noise.shape))  # floats take four times the memory
    norms = [np.linalg.norm(part.reshape(len(part), -1).astype(np.float32), axis=1) for part in several]
    return float(np.concatenate(norms).mean())


def standard_deviation(noise: Noise) -> float:
    """Return the standard deviation of all entries, in 1/255."""
    total = squares = 0
    for part in slices(noise.shape):  # NumPy's own needs eight times the memory
        levels = noise[part].astype(np.int64)
        total, squares = total + int(levels.sum()), squares + int(np.square(levels).sum())
    return math.sqrt(squares * noise.size - total**2) / noise.size


def narrow(noise: Noise) -> Noise:
    """Return noise in the dtype used in files: int8, or int16 if entries lie outside -127 to 127."""
    return noise.astype(np.int8 if largest_value(noise) <= 127 else np.int16, copy=False)


def save_noise(path: Path, noise: Noise, provenance: Provenance, known: str | None = None) -> None:
    """Write noise with its provenance and digest as safetensors, completely or not at all.

    Args:
        path: the file.
        noise: (N, C, H, W).
        provenance: its identity and origin.
        known: its digest, if the caller has it; None: it is computed.
    """
    from safetensors.numpy import save_file

    metadata = {
        "digest": known or digest(noise),
        "largest": str(largest_value(noise)),
        "provenance": provenance.model_dump_json(),
        "unit": "1/255",
    }
    metadata["sha256"] = _seal(metadata)
    write_whole(path, lambda temporary: save_file({"noise": np.ascontiguousarray(noise)}, temporary, metadata))


def _seal(metadata: Mapping[str, str]) -> str:
    """Return the SHA-256, in hex, of a noise file's metadata."""
    rest = {key: value for key, value in metadata.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def read_head(path: Path) -> Head:
    """Read the metadata of a noise file, but not the noise.

    Raises:
        RequestError: if the file cannot be read, or is not a noise file.
    """
    with _opened(path) as file:
        return _head(path, file)


def load_noise(path: Path) -> tuple[Noise, Head]:
    """Read noise, as a memory map, and the metadata of its file.

    Raises:
        RequestError: if the file cannot be read, is not a noise file, or is damaged, so that its values do not match
            its digest.
    """
    with _opened(path, framework="pt") as file:  # copies nothing, unlike the NumPy framework
        head = _head(path, file)
        noise: Noise = file.get_tensor("noise").numpy()
    if (head.digest, head.largest) != (digest(noise), largest_value(noise)):
        raise DamagedError(f"{path} is damaged: its noise does not match its digest; {_AGAIN}")
    return noise, head


@contextlib.contextmanager
def _opened(path: Path, framework: str = "numpy") -> Iterator[Any]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework=framework) as file:
            yield file
    except SafetensorError as error:
        raise DamagedError(
            f"{path} is not a noise file ({escaped(str(error))}); if it holds other noise, {_CONVERT}"
        ) from error
    except OSError as error:
        raise unreadable(path, error, "the noise file ") from error


def _head(path: Path, file: Any) -> Head:
    metadata = file.metadata() or {}
    tensor = file.get_slice("noise")
    kind, shape = tensor.get_dtype(), tuple(tensor.get_shape())
    if kind not in TYPES:  # checked first, because NumPy lacks some of the types that a file can hold
        found = kind.lower().translate(_WORDS)
        raise DamagedError(
            f"{path} is not a noise file: its noise is {found}, not int8 or int16 in units of 1/255; {_CONVERT}"
        )
    if len(shape) != 4 or 0 in shape:
        raise DamagedError(f"{path} is not a noise file: its noise has shape {shape}, not (N, C, H, W); {_CONVERT}")
    try:
        provenance = Provenance.model_validate_json(metadata["provenance"])
        head = Head(shape=shape, digest=metadata["digest"], largest=int(metadata["largest"]), provenance=provenance)
        whole = metadata["sha256"] == _seal(metadata)
    except (KeyError, ValueError) as error:
        raise DamagedError(f"{path} is not a noise file: it lacks {_lacks(error)}; {_CONVERT}") from error
    if not whole:
        raise DamagedError(f"{path} is damaged: its metadata does not match its digest; {_AGAIN}")
    if head.largest > LARGEST:
        raise DamagedError(
            f"{path} is not a noise file: its largest entry, {head.largest}, exceeds the range of 8-bit images; "
            f"clip the noise to at most {LARGEST} and save it again"
        )
    return head


def _lacks(error: Exception) -> str:
    """Return what is missing from a file's metadata."""
    if isinstance(error, ValidationError):
        return escaped("a valid " + ".".join(map(str, ("provenance", *error.errors()[0]["loc"]))))
    return f"a valid {error.args[0]}" if isinstance(error, KeyError) else "a whole number as its largest entry"
