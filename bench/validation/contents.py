"""Check that no text or number in a record can harm whoever reads or displays it."""

from typing import Any

from attacks.core.settings import EXACT
from bench.records.texts import FORMULA, LONGEST, LONGEST_NOTE, LONGEST_REASON, MARKUP, harm_in, is_legible
from bench.validation.finding import excerpt

_LONG = {"error": LONGEST_REASON, "notes": LONGEST_NOTE}  # the most characters of texts that may be long


def check_contents(data: dict[str, Any]) -> None:
    """Check every key, text and number of a record's JSON data; of its curve, which is long, only the steps.

    Raises:
        ValueError: for a text that is too long, has control characters, holds markup or begins like a formula, or a
            number that is too large.
    """
    for name, most in _LONG.items():
        long: list[str] = []
        _gather(data.get(name), long, [])
        for text in long:
            if len(text) > most:
                raise ValueError(f"has {len(text):,} characters in `{name}`")
            if not is_legible(text):
                raise ValueError(f"has control characters in `{name}`")
    curve = data.get("curve")
    texts: list[str] = []
    numbers: list[int | float] = []
    steps = [point.get("step") for point in curve if isinstance(point, dict)] if isinstance(curve, list) else []
    rest = {name: value for name, value in data.items() if name not in {*_LONG, "curve"}}
    _gather([rest, steps], texts, numbers)
    if max(map(abs, numbers), default=0) > EXACT:
        raise ValueError("contains a number that is too large")
    together = " ".join(texts)  # all in one check, since nearly every record is harmless
    is_harmless = together.isprintable() and not MARKUP.search(together) and not any(map(FORMULA.match, texts))
    if max(map(len, texts), default=0) > LONGEST or not is_harmless:
        for text in texts:
            if harm := harm_in(text):
                raise ValueError(f"has a text with {harm}, {excerpt(text[:LONGEST])!r}")


def _gather(value: Any, texts: list[str], numbers: list[int | float]) -> None:
    """Put every key and text, and every number, into their lists."""
    if isinstance(value, str):
        texts.append(value)
    elif isinstance(value, int | float):
        numbers.append(value)
    elif isinstance(value, dict):
        texts += value
        for part in value.values():
            _gather(part, texts, numbers)
    elif isinstance(value, list):
        for part in value:
            _gather(part, texts, numbers)
