"""JSON sealed with a digest of its content, so that a damaged file never passes for what was written."""

import hashlib
import json
from typing import Any

Data = dict[str, Any]


class BrokenSealError(ValueError):
    """A text was changed after it was written."""


def seal(data: Data) -> bytes:
    """Return data as JSON with sorted keys, one of them `sha256`: the SHA-256 (hex) of the text without that key.

    A `sha256` already in the data is replaced.
    """
    bare = _bare(data)
    return _text(bare | {"sha256": hashlib.sha256(_text(bare)).hexdigest()})


def unseal(data: Data, text: bytes) -> Data:
    """Return the data of a text without its digest.

    Args:
        data: the text, parsed as JSON.
        text: a whole file; its line endings may have been converted.

    Raises:
        BrokenSealError: if the text is not what `seal` returns for the data.
        RecursionError: if it is nested too deeply.
    """
    text = text.replace(b"\r\n", b"\n")
    if not _holds_its_digest(data, text) and text != seal(data):
        raise BrokenSealError("it was edited after it was written: its text does not match its SHA-256")
    return _bare(data)


def parse_sealed(text: bytes) -> Data:
    """Return the data of a whole file that `seal` made, without its digest.

    Raises:
        ValueError: if it is not a JSON object; a `BrokenSealError` if it was changed after it was written.
    """
    try:
        data = json.loads(text)
        if not isinstance(data, dict):
            raise ValueError("not a JSON object")  # noqa: TRY004 - one kind of error for everything that was not sealed
        return unseal(data, text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _holds_its_digest(data: Data, text: bytes) -> bool:
    """Return whether a text matches its digest: a quick check that works if the digest has a line of its own."""
    line = f'\n  "sha256": "{data.get("sha256")}",'.encode(errors="surrogatepass")
    return text.count(line) == 1 and hashlib.sha256(text.replace(line, b"")).hexdigest() == data.get("sha256")


def _bare(data: Data) -> Data:
    return {key: value for key, value in data.items() if key != "sha256"}


def _text(data: Data) -> bytes:
    return (json.dumps(data, sort_keys=True, indent=2, ensure_ascii=False) + "\n").encode(errors="surrogatepass")
