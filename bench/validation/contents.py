"""Check that no text or number in a record can harm whoever reads or displays it."""

from typing import Any

from attacks.core.settings import EXACT
from bench.records.texts import FORMULA, LONGEST, MARKUP, harm_in
from bench.validation.finding import excerpt

LONGEST_ERROR = 20_000


def check_contents(data: dict[str, Any]) -> None:
    """Check every key, text and number of a record's JSON data; of its curve, which is long, only the steps.

    Raises:
        ValueError: for a text that is too long, has control characters, holds markup or begins like a formula, or a
            number that is too large.
    """
    error, curve = data.get("error"), data.get("curve")
    if isinstance(error, str):
        if len(error) > LONGEST_ERROR:
            raise ValueError(f"has an `error` of {len(error):,} characters")
        if not all(line.replace("\t", " ").isprintable() for line in error.split("\n")):
            raise ValueError("has control characters in `error`")
    texts: list[str] = []
    numbers: list[int | float] = []
    steps = [point.get("step") for point in curve if isinstance(point, dict)] if isinstance(curve, list) else []
    rest = {name: value for name, value in data.items() if name not in {"error", "curve"}}
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
