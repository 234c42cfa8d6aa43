"""The time limit of cells."""

import re

from attacks.core.errors import RequestError
from bench.records.schema import Record

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


class TimeLimitError(Exception):
    """A cell exceeded its time limit; its state is kept."""


def seconds_of(text: str, option: str = "--time-limit") -> float:
    """Parse the time given to an option, such as `90`, `30m`, `1.5h` or `2d`, and return it in seconds.

    Raises:
        RequestError: for any other text, or a time of 0.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", text)
    if not found or not float(found[1]):
        raise RequestError(f"{option} takes a time such as 90 (seconds), 30m, 1.5h or 2d, not {text!r}")
    return float(found[1]) * _UNITS[found[2]]


def timed_out(record: Record) -> bool:
    """Return whether a cell failed because it exceeded the time limit."""
    return record.status == "failed" and (record.error or "").startswith(TimeLimitError.__name__)


def failed_itself(record: Record | None) -> bool:
    """Return whether there is a record of a cell that failed, and not because it exceeded the time limit."""
    return record is not None and record.status == "failed" and not timed_out(record)
