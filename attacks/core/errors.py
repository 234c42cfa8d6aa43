"""Exceptions that are not program errors: user mistakes, and work that was asked to stop."""

import difflib
from collections.abc import Collection, Iterable

MOST_LISTED = 20


class RequestError(ValueError):
    """A request that cannot be fulfilled; the message is one line that names the fix."""


class DamagedError(RequestError):
    """A file does not hold what was written to it."""


class UntrainableError(Exception):
    """A network cannot be trained on these images; the message names the fix. The cell fails, others do not."""


class StoppedError(Exception):
    """The work was asked to stop; its state is kept."""


def escaped(text: str) -> str:
    """Return text from others with non-printable characters, including newlines, as backslash escapes."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def first_line(text: str) -> str:
    """Return the first line of text from others, escaped for printing."""
    return escaped(next(iter(text.splitlines()), ""))


def one_line(text: str, most: int | None = None) -> str:
    """Return text from others, or its first `most` characters, on one line, escaped for printing."""
    return escaped(" ".join(text.split())[:most])


def listed(names: Collection[str], most: int = MOST_LISTED) -> str:
    """Return the first `most` names, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(list(names)[:most]) + more


def several(number: int, what: str) -> str:
    """Return a number of things in words, e.g. `1 worker` or `2 workers`."""
    return f"{number} {what}{'s' * (number != 1)}"


def unknown(kind: str, name: str, known: Iterable[str]) -> RequestError:
    """Build the error for a name that is not in `known`, suggesting the nearest valid names.

    Args:
        kind: the kind of thing named, e.g. `"method"`.
        name: what the user wrote.
        known: every valid name.
    """
    by_lower = {one.lower(): one for one in sorted(known)}
    asked = name.lower()
    longer = [one for lower, one in by_lower.items() if asked and lower.startswith(asked)]
    near = [by_lower[lower] for lower in difflib.get_close_matches(asked, by_lower, n=1)]
    meant = [by_lower[asked]] if asked in by_lower else longer or near
    if len(meant) == 1:
        hint = f"did you mean {meant[0]!r}?"
    elif meant:
        hint = f"did you mean one of: {listed(meant)}?"
    else:
        hint = f"one of: {listed(by_lower.values())}" if by_lower else "there are none"
    return RequestError(f"unknown {kind} {name!r}; {hint}")
