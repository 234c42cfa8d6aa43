"""JSON closed with a digest of all else in it, so that no damage to a file passes for what was written."""

import hashlib
import json
from typing import Any

Data = dict[str, Any]


class BrokenSealError(ValueError):
    """A text is not as it was written."""


def seal(data: Data) -> bytes:
    """Return data as a text: JSON with sorted keys, the SHA-256 (hex) of the text without it among them.

    One that the data holds already is replaced.
    """
    bare = _bare(data)
    return _text(bare | {"sha256": hashlib.sha256(_text(bare)).hexdigest()})


def unseal(data: Data, text: bytes) -> Data:
    """Return the data of a text without its digest.

    Args:
        data: what the text holds, read as JSON.
        text: a whole file; its line ends may have been changed on the way.

    Raises:
        BrokenSealError: where the text is not what `seal` makes of the data.
    """
    text = text.replace(b"\r\n", b"\n")
    if not _holds_its_digest(data, text) and text != seal(data):
        raise BrokenSealError("it was edited after it was written: its text does not match its SHA-256")
    return _bare(data)


def parse_sealed(text: bytes) -> Data:
    """Return the data of a whole file that `seal` made, without its digest.

    Raises:
        ValueError: where it is not JSON or not an object; a `BrokenSealError` where it is another one than was written.
    """
    data = json.loads(text)
    if not isinstance(data, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - one kind of error for everything that was not sealed
    return unseal(data, text)


def _holds_its_digest(data: Data, text: bytes) -> bool:
    """Return whether a text is as it was sealed, quickly, where its digest has the usual place: a line of its own."""
    line = f'\n  "sha256": "{data.get("sha256")}",'.encode(errors="surrogatepass")
    return text.count(line) == 1 and hashlib.sha256(text.replace(line, b"")).hexdigest() == data["sha256"]


def _bare(data: Data) -> Data:
    return {key: value for key, value in data.items() if key != "sha256"}


def _text(data: Data) -> bytes:
    return (json.dumps(data, sort_keys=True, indent=2, ensure_ascii=False) + "\n").encode(errors="surrogatepass")
