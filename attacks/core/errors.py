"""Exceptions that are not failures of the program: a user's mistake, and work that was asked to stop."""

import difflib
from collections.abc import Collection, Iterable

MOST_LISTED = 20


class RequestError(ValueError):
    """A request that cannot be fulfilled; its message is one line that names the fix."""


class DamagedError(RequestError):
    """A file is not what was written to it."""


class StoppedError(Exception):
    """The work was asked to stop; its state is kept."""


def escaped(text: str) -> str:
    """Return a text from others as it can be printed: what is not printable, a newline too, as a backslash escape."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def first_line(text: str) -> str:
    """Return the first line of a text from others as it can be printed."""
    return escaped(next(iter(text.splitlines()), ""))


def one_line(text: str, most: int | None = None) -> str:
    """Return a text from others, or its first `most` characters, on one line as it can be printed."""
    return escaped(" ".join(text.split())[:most])


def listed(names: Collection[str], most: int = MOST_LISTED) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(list(names)[:most]) + more


def unknown(kind: str, name: str, known: Iterable[str]) -> RequestError:
    """Build the error for a name that is not in `known`, with the nearest valid names in it.

    Args:
        kind: what the name stands for, e.g. `"method"`.
        name: what the user wrote.
        known: every valid name.
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    longer = [one for one in names if name and one.startswith(name)]
    hint = f"did you mean {near[0]!r}?" if near else f"one of: {listed(names)}"
    if len(longer) > 1:
        hint = f"did you mean one of: {listed(longer)}?"
    return RequestError(f"unknown {kind} {name!r}; {hint}")
