"""The text of a record, closed with a digest of all else in it, so that no damage to the file passes for a result."""

import hashlib
import json
from typing import Any

SINCE = 2  # the schema version whose records are the first to be sealed

Data = dict[str, Any]


class BrokenSealError(ValueError):
    """A record's text is not as it was written."""


def seal(data: Data) -> bytes:
    """Return the text of a record: JSON with sorted keys, the SHA-256 (hex) of the text without it among them.

    One that the data holds already is replaced.
    """
    bare = _bare(data)
    return _text(bare | {"sha256": hashlib.sha256(_text(bare)).hexdigest()})


def unseal(data: Data, text: bytes) -> Data:
    """Return a record's data without its digest.

    Args:
        data: what the text holds, read as JSON.
        text: a whole file; its line ends may have been changed on the way.

    Raises:
        BrokenSealError: where the text is not what `seal` makes of the data.
    """
    version = data.get("schema_version")
    if "sha256" not in data and not (isinstance(version, int) and version >= SINCE):
        return data  # of an older version, or no record at all
    if text.replace(b"\r\n", b"\n") != seal(data):
        raise BrokenSealError("its text does not match its SHA-256: it was changed since it was written")
    return _bare(data)


def _bare(data: Data) -> Data:
    return {key: value for key, value in data.items() if key != "sha256"}


def _text(data: Data) -> bytes:
    return (json.dumps(data, sort_keys=True, indent=2, ensure_ascii=False) + "\n").encode(errors="surrogatepass")
