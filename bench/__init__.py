"""The matrix runner and everything around it.

`bench.load_records()` gives every record as a tidy pandas DataFrame, one row per victim.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.records.frame import load_records

__all__ = ["load_records"]


def __getattr__(name: str) -> Any:
    if name == "load_records":  # pandas is imported when it is needed
        from bench.records.frame import load_records

        return load_records
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
