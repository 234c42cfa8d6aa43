"""Names in records of what a grid lists: aliases of methods, files and folders have others there."""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attacks.core.errors import RequestError
from attacks.core.settings import LONGEST_NAME
from attacks.methods import method
from victims.networks.weights import weights_of

PREFIX = "folder:"
LARGEST_SIDE = 4096


def recorded_name(field: str, listed: Any) -> Any:
    """Return the name in records, which exclusions use, of a value in a grid's list; unknown names stay as they are.

    Args:
        field: the axis that it is a value of.
        listed: the value as the user wrote it.
    """
    try:
        return _NAMES[field](listed) if field in _NAMES and isinstance(listed, str) else listed
    except RequestError:
        return listed


def parse_folder(spec: str) -> tuple[str, int | None]:
    """Return the path in `folder:PATH` or `folder:PATH@SIZE`, and the size.

    Raises:
        RequestError: if there is no path, or the size is not from 1 to 4096.
    """
    path, at, digits = spec.removeprefix(PREFIX).rpartition("@")
    if not (at and re.fullmatch("[0-9]+", digits)):
        path, digits = spec.removeprefix(PREFIX), ""
    if not path:
        raise RequestError(f"{spec!r} does not name a folder; write {PREFIX}PATH or {PREFIX}PATH@SIZE")
    digits = digits.lstrip("0") or digits[:1]  # Python refuses to read thousands of digits
    if digits and not (len(digits) <= len(str(LARGEST_SIDE)) and 1 <= int(digits) <= LARGEST_SIDE):
        raise RequestError(f"{spec!r:.200} asks for {digits:.9} pixels; choose a size from 1 to {LARGEST_SIDE}")
    return path, int(digits) if digits else None


def folder_name(root: Path, side: int | None) -> str:
    """Return the name in records of a folder of images that are resized to a side, if any.

    Raises:
        RequestError: if the folder's name has no ASCII letter or digit.
    """
    suffix = "" if side is None else f"-{side}"
    name = os.path.basename(os.path.abspath(root))  # noqa: PTH100, PTH119 - links are not resolved: they rename a folder
    plain = re.sub(r"[^A-Za-z0-9._+-]+", "-", name).lstrip("._+-")[: LONGEST_NAME - len(suffix)]
    if not plain:
        raise RequestError(
            f"the name of {root} has no ASCII letter or digit, which its name in records needs; rename the folder"
        )
    return plain + suffix


def _of_dataset(listed: str) -> str:
    if not listed.startswith(PREFIX):
        return listed
    path, side = parse_folder(listed)
    return folder_name(Path(path).expanduser(), side)


def recorded_victim(listed: str) -> str:
    """Return a victim's name in records; one that starts from a user's file is named after network and file.

    Raises:
        RequestError: if there is no such file.
    """
    known = weights_of(listed) if ":" in listed else None
    return known.name if known else listed


_NAMES: Mapping[str, Callable[[str], str]] = {
    "dataset": _of_dataset,
    "method": lambda listed: method(listed).name,
    "victim": recorded_victim,
}
