"""Tensors in the files of other code: .npy, .npz, .safetensors and .pt. No pickle is ever executed."""

import io
import json
import os
import pickle
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from attacks.core.errors import RequestError, escaped, first_line, unknown
from attacks.core.files import unreadable, write_atomically
from bench.data.resources import check_memory
from bench.noise.convention import IMAGES, Values

KINDS = (".npy", ".npz", ".safetensors", ".pt", ".pth")
KEY = "noise"  # the tensor's name in the files that we write, if tensors have names there
LISTS = ("files", "filenames", "paths", "samples")  # names of lists of the image files; the last is ImageFolder's
NUMPY = b"\x93NUMPY"  # how .npy files begin
_MALICIOUS = "the file may be damaged or malicious; download it again"
PICKLED = "contains pickled objects, which can run code when loaded; save only the tensor"


class Foreign(NamedTuple):
    """What a file holds.

    Attributes:
        values: the tensor.
        files: the names of the image files that the noise is for, in order; empty if none are listed.
    """

    values: Values
    files: tuple[str, ...]


def check_kind(path: Path) -> str:
    """Return the suffix of a file, which states its format.

    Raises:
        RequestError: for a format that is neither read nor written.
    """
    kind = path.suffix.lower()
    if kind not in KINDS:
        raise RequestError(f"{path} has an unsupported format; use one of: {', '.join(KINDS)}")
    return kind


def check_source(path: Path) -> None:
    """Check that a file has a format that is read, and can be opened.

    Raises:
        RequestError: otherwise.
    """
    check_kind(path)
    try:
        path.open("rb").close()
    except OSError as error:
        raise unreadable(path, error) from error


def read_foreign(path: Path, key: str | None = None) -> Foreign:
    """Read a tensor of numbers, and the list of files next to it (see `LISTS`): names, or pairs that begin with one.

    The list is an array in a .npz file, a list in a .pt file, or a JSON list in the metadata of a .safetensors file.

    Args:
        path: the file.
        key: the tensor's name, if the file holds several.

    Raises:
        RequestError: if the file cannot be read, holds anything but tensors of numbers, or holds several and `key`
            names none.
    """
    kind = check_kind(path)
    try:
        found = _READERS[kind](path, key)
    except (RequestError, ImportError):  # a format may need the extra `run`
        raise
    except OSError as error:
        raise unreadable(path, error) from error
    except Exception as error:  # readers raise all kinds of errors on damaged files
        raise _refusal(path, kind, error) from error
    values = found.values
    if values.dtype.kind not in "if" or values.size == 0:
        images = f" ({IMAGES})" if values.dtype == np.uint8 else ""
        raise RequestError(
            f"{path} holds {values.dtype} of shape {values.shape}; "
            f"noise must be a non-empty array of signed numbers{images}"
        )
    return found


def _files(lists: Mapping[str, Sequence[Any]]) -> tuple[str, ...]:
    """Return the names in the first of some lists, of names or of pairs that begin with one."""
    rows = next(iter(lists.values()), ())
    firsts = [row[0] if isinstance(row, list | tuple) and row else row for row in rows]
    names = [os.fsdecode(first) if isinstance(first, bytes) else first for first in firsts]
    return tuple(names) if all(isinstance(name, str) for name in names) else ()


def _refusal(path: Path, kind: str, error: Exception) -> RequestError:
    """Return the error that states why a file cannot be read."""
    reason = first_line(str(error)) or type(error).__name__
    if isinstance(error, pickle.UnpicklingError) or "allow_pickle" in str(error):  # or it is no pickle at all
        if _looks_pickled(path):
            saving = "torch.save(tensor, PATH)" if kind in {".pt", ".pth"} else "numpy.save(PATH, array)"
            return RequestError(f"{path} {PICKLED}: {saving}")
        reason = "it holds something else"
    return RequestError(f"{path} is not a complete {kind} file ({reason}); download or save it again")


def _looks_pickled(path: Path) -> bool:
    """Return whether a file that its reader took for a pickle may be one: bare, or inside a whole .zip or .npy."""
    with path.open("rb") as file:
        start = file.read(len(NUMPY))
    bare = start[:1] == pickle.PROTO and start[1:2] <= bytes([pickle.HIGHEST_PROTOCOL])
    return bare or start == NUMPY or zipfile.is_zipfile(path)


def is_noise_file(path: Path) -> bool:
    """Return whether a file is one of our noise files, which describe their noise; others hold only numbers.

    Raises:
        RequestError: if it cannot be read.
    """
    if check_kind(path) != ".safetensors":
        return False
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return {"digest", "largest", "provenance"} <= (file.metadata() or {}).keys()
    except SafetensorError as error:
        raise RequestError(
            f"{path} is not a complete .safetensors file ({escaped(str(error))}); download or save it again"
        ) from error
    except OSError as error:
        raise unreadable(path, error) from error


def write_foreign(path: Path, values: Values) -> None:
    """Write a tensor in the format that the suffix states, completely or not at all.

    Raises:
        RequestError: for an unsupported format, or if it cannot be written.
    """
    kind, content = check_kind(path), io.BytesIO()
    if kind == ".npy":
        np.save(content, values, allow_pickle=False)
    elif kind == ".npz":
        np.savez(content, noise=values)  # the name in `KEY`
    elif kind == ".safetensors":
        from safetensors.numpy import save

        content.write(save({KEY: values}))
    else:
        import torch

        torch.save(torch.from_numpy(values), content)
    write_atomically(path, content.getvalue())


def _check_size(path: Path) -> None:
    """Refuse a file whose contents, unpacked if it is an archive, do not fit into memory."""
    size = packed = path.stat().st_size
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as file:
            size = sum(member.file_size for member in file.infolist())
    check_memory(size, str(path), _MALICIOUS if size > 10 * packed else "save it as int8 in units of 1/255")


def _read_npy(path: Path, _key: str | None) -> Foreign:
    _check_size(path)
    with path.open("rb") as file:
        values = np.load(file, allow_pickle=False)
    if not isinstance(values, np.ndarray):
        raise ValueError("it is a .npz file; rename it")  # noqa: TRY004 - as its reader says of any other
    return Foreign(values, ())


def _read_npz(path: Path, key: str | None) -> Foreign:
    if not zipfile.is_zipfile(path):
        path.open("rb").close()  # raises if it does not exist
        raise ValueError("it is not a zip file")
    with np.load(path, allow_pickle=False) as file:
        members = {member.filename.removesuffix(".npy"): member.file_size for member in file.zip.infolist()}

        def held(name: str) -> Values:
            check_memory(members[name], f"{escaped(name)} in {path}", _MALICIOUS)
            values = file[name]
            if not isinstance(values, np.ndarray):
                raise ValueError(f"{name} is not an array")  # noqa: TRY004 - as its reader says of any other
            return values

        found = {name: held(name) for name in LISTS if name in file.files and name != key}
        lists = {name: values.tolist() for name, values in found.items() if values.dtype.kind in "US"}
        return Foreign(held(_chosen(path, [name for name in file.files if name not in lists], key)), _files(lists))


def _read_safetensors(path: Path, key: str | None) -> Foreign:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:  # NumPy lacks some of the types that a file can hold
        lists = _lists({name: _parsed(text) for name, text in (file.metadata() or {}).items()})
        return Foreign(_array(path, file.get_tensor(_chosen(path, list(file.keys()), key))), _files(lists))


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _read_pt(path: Path, key: str | None) -> Foreign:
    import torch

    _check_size(path)
    with warnings.catch_warnings(action="ignore"):  # about older ways to save
        held: Any = torch.load(path, map_location="cpu", weights_only=True)
    lists: Mapping[str, Sequence[Any]] = {}
    if isinstance(held, Mapping):
        lists = _lists(held)
        tensors = [name for name, one in held.items() if isinstance(name, str) and isinstance(one, torch.Tensor)]
        if not tensors:
            fix = "save one tensor, e.g. torch.stack(list(noise.values()))"
            raise RequestError(f"{path} holds no tensor under a name; {fix}")
        held = held[_chosen(path, tensors, key)]
    return Foreign(_array(path, held), _files(lists))


def _lists(held: Mapping[Any, Any]) -> dict[str, Sequence[Any]]:
    return {name: held[name] for name in LISTS if isinstance(held.get(name), list | tuple)}


def _array(path: Path, held: Any) -> Values:
    import torch

    if not isinstance(held, torch.Tensor) or held.layout != torch.strided or held.is_quantized:
        raise RequestError(f"{path} holds {type(held).__name__} instead of a tensor; save only the tensor")
    if held.numel() * held.element_size() > held.untyped_storage().nbytes():
        raise RequestError(f"{path} holds fewer numbers than its shape implies; save tensor.contiguous()")
    try:
        values: Values = (held.detach().float() if held.dtype == torch.bfloat16 else held.detach()).numpy()
    except TypeError as error:  # for types that NumPy lacks, and tensors without values
        raise RequestError(f"{path} holds {held.dtype} on {held.device}; save it as float32 or int8") from error
    return values


def _chosen(path: Path, names: list[str], key: str | None) -> str:
    """Return the name of the tensor to read."""
    if not names:
        raise RequestError(f"{path} holds no noise; save it as one array")
    if key is None and len(names) == 1:
        return names[0]
    if key is None:
        listed = escaped(", ".join(sorted(names)[:20]))
        raise RequestError(f"{path} holds {len(names)} tensors ({listed}); choose one with --key")
    if key not in names:
        raise unknown(f"tensor in {path}", key, map(escaped, names))
    return key


_READERS = {
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".safetensors": _read_safetensors,
    ".pt": _read_pt,
    ".pth": _read_pt,
}
