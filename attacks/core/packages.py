"""How this package is installed, and what others add by entry point: methods, datasets, networks and the like."""

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from shlex import quote
from typing import Any, TypeVar

from attacks.core.errors import RequestError, one_line
from attacks.core.settings import LONGEST_NAME, NAME

T = TypeVar("T")
FIX = "fix or uninstall the package"


def install_extras(*extras: str) -> str:
    """Return the command that installs extras of this package: into the running checkout, or into the installation."""
    checkout = Path(__file__).resolve().parents[2]
    is_checkout, added = (checkout / "pyproject.toml").is_file(), f"[{','.join(extras)}]"
    return f"pip install -e {quote(f'{checkout}{added}')}" if is_checkout else f"pip install 'unlearnable-bench{added}'"


def points(group: str) -> tuple[EntryPoint, ...]:
    """Return the entry points of a group, looked up once for each `sys.path`."""
    return _points(group, tuple(sys.path))


@cache
def _points(group: str, _path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=group))


def load_entry_point(kind: str, point: EntryPoint) -> Any:
    """Load the object that an entry point names.

    Args:
        kind: what it should be, e.g. `"method"`.
        point: the entry point.

    Raises:
        RequestError: if that fails, whatever the other package raises.
    """
    try:
        return point.load()
    except Exception as error:
        raise RequestError(f"{kind} {point.value} cannot be loaded ({one_line(str(error))}); {FIX}") from error


def taken(kind: str, name: str, point: EntryPoint) -> RequestError:
    """Build the error for a package that adds a name that already exists."""
    return RequestError(f"{kind} {name!r} of {point.value} is already defined; {FIX}")


def with_packages(
    known: Mapping[str, T],
    *,
    group: str,
    kind: str,
    expected: type[T],
    names: Callable[[T], Iterable[str]] = lambda found: (found.name,),  # type: ignore[attr-defined]
) -> dict[str, T]:
    """Return the known components by name, with those that installed packages add.

    Args:
        known: our own, by name.
        group: the entry point group.
        kind: what the entry points name, in words.
        expected: the type that they must have.
        names: returns all names of a component.

    Raises:
        RequestError: if an entry point cannot be loaded, or has the wrong type or a name that already exists or cannot
            stand in records.
    """
    everything = dict(known)
    used = {name for one in known.values() for name in names(one)}
    for point in points(group):
        found = load_entry_point(kind, point)
        if not isinstance(found, expected):
            raise RequestError(f"entry point {point.value} is not a valid {kind}; {FIX}")
        if clash := used & set(names(found)):
            raise taken(kind, min(clash), point)
        if wrong := [name for name in names(found) if not re.fullmatch(NAME, name)]:
            raise RequestError(
                f"{kind} {wrong[0]!r} of {point.value} needs another name: at most {LONGEST_NAME} letters, digits, "
                f"'.', '_', '+' and '-', beginning with a letter or digit; {FIX}"
            )
        used |= set(names(found))
        everything[next(iter(names(found)))] = found
    return everything
