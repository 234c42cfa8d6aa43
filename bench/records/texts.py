"""What a text in a record must not contain, since others will read and display it."""

import re

from attacks.core.errors import escaped

LONGEST = 200  # characters of a text, except for the reason of a failure
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


def encodable(text: str) -> str:
    """Return text with what UTF-8 cannot hold, such as undecodable bytes in a file's name, as backslash escapes."""
    return text.encode(errors="backslashreplace").decode()
