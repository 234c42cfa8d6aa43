"""Bring the JSON data of an older record up to the current schema version."""

from collections.abc import Callable, Mapping
from typing import Any

from attacks.errors import RequestError
from bench.seal import unseal

Data = dict[str, Any]
Step = Callable[[Data], Data]

VERSION = 2
SEALED_SINCE = 2

# From version n to n + 1; a step returns new data and need not touch `schema_version`.
UPGRADES: Mapping[int, Step] = {1: lambda data: data}  # since 2 the text of a record is sealed


def opened(data: Data, text: bytes) -> Data:
    """Return the data of a record's file at the current schema version, without its seal.

    Args:
        data: what the text holds, read as JSON.
        text: the whole file.

    Raises:
        BrokenSealError: where it was changed since it was written; records of version 1 have no seal to tell by.
        RequestError, ValueError: as `upgrade`.
    """
    version = data.get("schema_version")
    sealed = "sha256" in data or (isinstance(version, int) and version >= SEALED_SINCE)
    return upgrade(unseal(data, text) if sealed else data)


def upgrade(data: Data, *, version: int = VERSION, upgrades: Mapping[int, Step] = UPGRADES) -> Data:
    """Return `data` at schema `version`.

    Raises:
        RequestError: where the data is newer than `version`.
        ValueError: where it states no version, or one that no step starts from.
    """
    found = data.get("schema_version")
    if not isinstance(found, int) or isinstance(found, bool):
        raise ValueError("no schema version")  # noqa: TRY004 - one kind of error for everything that is no record
    if found > version:
        raise RequestError(f"made by a newer version (schema {found}, ours is {version}); upgrade unlearnable-bench")
    for number in range(found, version):
        if number not in upgrades:
            raise ValueError(f"no upgrade from schema version {number}")
        data = {**upgrades[number](data), "schema_version": number + 1}
    return data
