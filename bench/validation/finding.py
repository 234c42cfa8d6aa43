"""What a check looks at, and what it finds."""

from dataclasses import dataclass
from pathlib import Path

from attacks.core import errors
from bench.records.schema import Record
from bench.records.trust import Tier

LONGEST = 200  # characters of a text that is shown


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A record, its file, and the trust tier of the file."""

    path: Path
    record: Record
    tier: Tier = "self-reported"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something wrong with one file.

    Attributes:
        path: the file.
        what: what is wrong.
        fix: what to do about it.
        warning: whether it is only a warning.
    """

    path: Path
    what: str
    fix: str
    warning: bool = False

    def __str__(self) -> str:
        """Return it on one line that is safe to print."""
        return f"{excerpt(str(self.path))}: {'warning: ' if self.warning else ''}{self.what}; {self.fix}"


def excerpt(text: str) -> str:
    """Return a text from others in printable form: on one line, not too long, with control characters escaped."""
    safe = errors.escaped(text)
    return safe if len(safe) <= LONGEST else f"{safe[:LONGEST]}..."
