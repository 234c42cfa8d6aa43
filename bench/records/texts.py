"""What a text in a record must not contain, since others will read and display it."""

import re

from attacks.core.errors import escaped

LONGEST = 200  # characters of a text, except for the reason of a failure and for notes
LONGEST_REASON = 20_000
LONGEST_NOTE = 50_000  # it names up to ten paths, each of up to 4,096 characters
_CUT = "\n[...]\n"
_SIGNS = "=+@-"
FORMULA = re.compile(rf"\s*[{_SIGNS}]")  # a spreadsheet would take such a text for a formula
MARKUP = re.compile(r"</?[a-z!?]|\b(?:javascript|vbscript|data):", re.IGNORECASE)


def harm_in(text: str) -> str:
    """Say what in a text could harm whoever reads or displays it; empty if nothing does."""
    if len(text) > LONGEST:
        return f"{len(text):,} characters"
    if not text.isprintable():
        return "control characters"
    if MARKUP.search(text):
        return "markup or a script URL"
    return "the start of a spreadsheet formula" if FORMULA.match(text) else ""


def harmless(text: str) -> str:
    """Return text from other software, shortened and without anything that `harm_in` finds."""
    plain = escaped(text).replace("<", " ").replace(":", " ")
    return plain.lstrip(f"{_SIGNS} ")[:LONGEST] or "unknown"


def is_legible(text: str) -> bool:
    """Return whether a text of several lines has no control characters but line breaks and tabs."""
    return all(line.replace("\t", " ").isprintable() for line in text.split("\n"))


def legible(text: str) -> str:
    """Return the reason of a failure, which may quote anything, as one that `is_legible` and not too long.

    Of a long one, only the start and the end remain.
    """
    plain = "\n".join("\t".join(map(escaped, line.split("\t"))) for line in text.split("\n"))
    half = (LONGEST_REASON - len(_CUT)) // 2
    return plain if len(plain) <= LONGEST_REASON else f"{plain[:half]}{_CUT}{plain[-half:]}"


def encodable(text: str) -> str:
    """Return text with what UTF-8 cannot hold, such as undecodable bytes in a file's name, as backslash escapes."""
    return text.encode(errors="backslashreplace").decode()
