"""Standard output and error: characters that one cannot show, and what is left to write where one is gone."""

import codecs
import io
import os
import sys
import unicodedata

PLAIN = "unlearnable-bench-plain"  # the name of the way in which characters are replaced
LIKE = {
    "\N{EN DASH}": "-",
    "\N{DAGGER}": "+",
    "\N{DOUBLE DAGGER}": "#",
    "\N{SECTION SIGN}": "^",
    "\N{PLUS-MINUS SIGN}": "~",
    "\N{HORIZONTAL ELLIPSIS}": ".",
}


def replace_unknown() -> None:
    """Replace what an output cannot show: by one character of like look, so that columns stay, or else by its code."""
    codecs.register_error(PLAIN, _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=PLAIN)


def discard() -> None:
    """Give up what cannot be written any more, which Python would try again at the end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(LIKE.get(one) or _base(one) for one in error.object[error.start : error.end]), error.end


def _base(character: str) -> str:
    """Return a letter without its accents; the code of what is none."""
    base = unicodedata.normalize("NFKD", character)[0]
    return base if base.isascii() else character.encode("ascii", "backslashreplace").decode()
