"""Text for LaTeX that works in every class and font encoding, without extra packages."""

import re
import unicodedata

_SPECIAL = {
    **{character: f"\\{character}" for character in "{}$&#%_"},
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "`": r"\`{}",
    "[": "{[}",  # at the start of a line it would be read as an argument of the preceding line break
    "]": "{]}",
    "*": "{*}",  # likewise
    "±": r"$\pm$",
    "§": r"$\mathsection$",
    "\N{EN DASH}": "--",
    "\N{HORIZONTAL ELLIPSIS}": "...",
    "\N{DAGGER}": r"$\dagger$",
    "\N{DOUBLE DAGGER}": r"$\ddagger$",
    "\N{MINUS SIGN}": "$-$",
    **{chr(ord("\N{SUBSCRIPT ZERO}") + digit): f"$_{digit}$" for digit in range(10)},
    "ß": r"\ss{}",
    "æ": r"\ae{}",
    "Æ": r"\AE{}",
    "œ": r"\oe{}",
    "Œ": r"\OE{}",
    "ø": r"\o{}",
    "Ø": r"\O{}",
    "ł": r"\l{}",
    "Ł": r"\L{}",
    "\N{LATIN SMALL LETTER DOTLESS I}": r"\i{}",
}
_ACCENTS = {
    "\N{COMBINING GRAVE ACCENT}": "`",
    "\N{COMBINING ACUTE ACCENT}": "'",
    "\N{COMBINING CIRCUMFLEX ACCENT}": "^",
    "\N{COMBINING TILDE}": "~",
    "\N{COMBINING DIAERESIS}": '"',
    "\N{COMBINING MACRON}": "=",
    "\N{COMBINING DOT ABOVE}": ".",
    "\N{COMBINING RING ABOVE}": "r",
    "\N{COMBINING CEDILLA}": "c",
    "\N{COMBINING CARON}": "v",
    "\N{COMBINING BREVE}": "u",
    "\N{COMBINING DOUBLE ACUTE ACCENT}": "H",
}

# Widths in Computer Modern, which is wider than Times, in ems.
_WIDTHS = {
    **dict.fromkeys(" .,:;'`|!il", 0.34),
    **dict.fromkeys('()[]frtjI-/"\N{SECTION SIGN}\N{DAGGER}\N{DOUBLE DAGGER}', 0.45),
    **dict.fromkeys("0123456789\N{EN DASH}acezs", 0.51),
    **dict.fromkeys("\N{SUBSCRIPT ZERO}₁₂₃₄₅₆₇₈₉", 0.42),
    **dict.fromkeys("mwMW%@\N{PLUS-MINUS SIGN}\N{HORIZONTAL ELLIPSIS}", 1.0),
    **dict.fromkeys("ABCDEFGHJKLNOPQRSTUVXYZ&+<>=~^\N{MINUS SIGN}", 0.79),
}
_USUAL = 0.56
_NEGATIVE = re.compile(r"(?<![^ \[])-(?=\d)")


def ems(text: str) -> float:
    """Return roughly the maximum width of a line of text, in ems."""
    return sum(_WIDTHS.get(character, _USUAL) for character in _with_minus_signs(text))


def escape_tex(text: str) -> str:
    """Escape text from a record: it prints as it is, except for non-Latin letters, and runs no commands.

    The hyphen of a negative number prints as a minus sign.
    """
    shown = "".join(_character(character) for character in _with_minus_signs(text))
    return re.sub(r"rho\\_([au])", r"$\\rho_\1$", shown)


def _with_minus_signs(text: str) -> str:
    """Replace the hyphens of negative numbers, but not those in names, dates and digests."""
    return _NEGATIVE.sub("\N{MINUS SIGN}", text)


def _character(character: str) -> str:
    """Return a character as commands that every LaTeX knows, or a question mark."""
    if character in _SPECIAL:
        return _SPECIAL[character]
    if character.isascii():
        return character if character.isprintable() else "?"
    parts = unicodedata.normalize("NFD", character)
    letter, accent = parts[0], _ACCENTS.get(parts[1:])
    return rf"\{accent}{{{letter}}}" if accent and letter.isascii() and letter.isalpha() else "?"
