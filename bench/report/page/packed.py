"""Rows stored as columns, each in the shortest of three forms, which keeps the page small even with many records.

Most columns are repetitive: nearly all of a thousand runs share a few devices and commits. `script/packed.js` does
the inverse.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

Packed = list[Any] | dict[str, Any]
_JSON = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def packed(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return rows that have the same keys as their number and their columns.

    Args:
        rows: their values are anything that JSON can hold.

    Returns:
        `{"count": number of rows, "columns": {key: column}}`, where a column is the shortest of
        a list with the value of each row;
        `{"values": [distinct values], "at": [index of each row's value among them]}`; and
        `{"usual": the most frequent value, "others": {row: value}}`.
    """
    names = list(rows[0]) if rows else []
    return {"count": len(rows), "columns": {name: _column([row[name] for row in rows]) for name in names}}


def _column(values: list[Any]) -> Packed:
    texts = [compact(value) for value in values]
    different = dict(zip(texts, values, strict=True))
    places = {text: place for place, text in enumerate(different)}
    ((usual, _),) = Counter(texts).most_common(1)
    forms: list[Packed] = [
        values,
        {"values": list(different.values()), "at": [places[text] for text in texts]},
        {
            "usual": different[usual],
            "others": {str(row): different[text] for row, text in enumerate(texts) if text != usual},
        },
    ]
    return min(forms, key=lambda form: len(compact(form)))


def compact(value: object) -> str:
    """Return a value as JSON without whitespace."""
    return _JSON.encode(value)
