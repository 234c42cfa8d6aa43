"""Standard output and error: characters that a terminal cannot show, and output whose reader is gone."""

import codecs
import io
import os
import sys
import unicodedata

PLAIN = "unlearnable-bench-plain"  # the name of our codec error handler
LIKE = {
    "\N{EN DASH}": "-",
    "\N{DAGGER}": "+",
    "\N{DOUBLE DAGGER}": "#",
    "\N{SECTION SIGN}": "^",
    "\N{PLUS-MINUS SIGN}": "~",
    "\N{HORIZONTAL ELLIPSIS}": ".",
}


def replace_unknown() -> None:
    """Replace characters that an output cannot show by similar ones, which keeps columns aligned, or by their code."""
    codecs.register_error(PLAIN, _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=PLAIN)


def discard() -> None:
    """Drop output that can no longer be written, which Python would try to write again at exit."""
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
    """Return a letter without its accents, or the code of any other character."""
    base = unicodedata.normalize("NFKD", character)[0]
    return base if base.isascii() else character.encode("ascii", "backslashreplace").decode()
