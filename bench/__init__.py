"""The matrix runner and everything around it.

`bench.load_records()` gives every record as a tidy pandas DataFrame, one row per victim.
"""

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.records.frame import load_records

__all__ = ["load_records"]
__version__ = "0.2.0.dev0"


def _import_own_packages() -> None:
    """Import the packages next to this one, even if a user has folders of the same names.

    Raises:
        ImportError: if a package of the same name was imported from elsewhere before.
    """
    own = Path(__file__).parents[1]
    sys.path.insert(0, str(own))
    try:
        found = [import_module(name) for name in ("attacks", "victims")]
    finally:
        sys.path.remove(str(own))
    for package in found:
        if (folder := Path(package.__path__[0])).parent != own:
            raise ImportError(
                f"{folder} was imported as {package.__name__!r}; import bench first, or rename that folder"
            )


def __getattr__(name: str) -> Any:
    if name == "load_records":  # pandas is imported only when needed
        from bench.records.frame import load_records

        return load_records
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_import_own_packages()
