"""Tensors and texts in a safetensors file that contains its own digest."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from attacks.core.arrays import LARGE
from attacks.core.errors import DamagedError
from attacks.core.files import write_whole

_DIGEST = "digest"


def write_tensors(path: Path, tensors: Mapping[str, Tensor], texts: Mapping[str, str] | None = None) -> None:
    """Write tensors, on any device, and texts, completely or not at all.

    Raises:
        RequestError: if the disk is full or the folder cannot be written to.
    """
    from safetensors.torch import save_file

    apart, texts = _apart(tensors), texts or {}
    whole = {**texts, _DIGEST: _digest(apart, texts)}
    write_whole(path, lambda temporary: save_file(apart, temporary, whole))


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read what `write_tensors` wrote, and the `digest` of it all among the texts; a large tensor stays memory-mapped.

    Raises:
        DamagedError: if the contents are not what was written.
        OSError: if the file cannot be read.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            texts = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except SafetensorError as error:
        raise DamagedError(str(error)) from error
    digest = texts.pop(_DIGEST, "")
    if digest != _digest(tensors, texts):
        raise DamagedError("its digest does not match")
    apart = {name: tensor if tensor.nbytes >= LARGE else tensor.clone() for name, tensor in tensors.items()}
    return apart, {**texts, _DIGEST: digest}


def digest_of_tensors(tensors: Mapping[str, Tensor], texts: Mapping[str, str]) -> str:
    """Return the SHA-256, in hex, over tensors by name, on any device, and texts."""
    return _digest(_apart(tensors), texts)


def _apart(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return contiguous tensors on the CPU, no two of which share memory."""
    apart, taken = {}, set()
    for name, tensor in tensors.items():
        found = tensor.detach().cpu().contiguous()
        storage = found.untyped_storage()
        if storage.nbytes() != found.nbytes or storage.data_ptr() in taken:
            found = found.clone()
        taken.add(found.untyped_storage().data_ptr())
        apart[name] = found
    return apart


def _digest(tensors: Mapping[str, Tensor], texts: Mapping[str, str]) -> str:
    """Do the same for contiguous tensors on the CPU."""
    shapes = {name: [str(tensor.dtype), list(tensor.shape)] for name, tensor in sorted(tensors.items())}
    found = hashlib.sha256(json.dumps([shapes, sorted(texts.items())]).encode())
    for _, tensor in sorted(tensors.items()):
        found.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()
