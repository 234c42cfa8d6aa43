"""Read a record's file strictly: no duplicate key, no number that JSON lacks, no value of another type."""

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bench.records.schema import Record, kind_of
from bench.records.store import Store
from bench.seal import BrokenSealError
from bench.validation.contents import check_contents
from bench.validation.finding import excerpt


def read_record(path: Path, store: Store) -> tuple[Record, Path]:
    """Return the record in a file of a store, and where that file belongs.

    Raises:
        OSError: if the file cannot be read.
        RequestError: if the record was made by a newer version.
        ValueError: if there is none or its text is not fit to be shown.
    """
    try:
        text = path.read_bytes()
        data = json.loads(text.decode(), object_pairs_hook=_object, parse_constant=_constant)
        if not isinstance(data, dict):
            raise ValueError("is not a JSON object")  # noqa: TRY004 - one kind of error for what is not a record
        check_contents(data)
        record = _record(data, text, store)
        return record, store.place(data, record)
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON ({error})") from None


def _record(data: dict[str, Any], text: bytes, store: Store) -> Record:
    try:
        current = store.upgraded(data, text)
        # as JSON, since a model is more lenient with data in memory: there "40" would pass for 40
        return kind_of(current).model_validate_json(json.dumps(current), strict=True)
    except ValidationError as error:
        first, *others = error.errors(include_url=False, include_input=False, include_context=False)
        where = excerpt(".".join(map(str, first["loc"])))
        more = f", and {len(others)} more" if others else ""
        raise ValueError(f"does not fit the schema: {where}: {excerpt(first['msg'])}{more}") from None
    except BrokenSealError:
        raise ValueError("was edited after it was written: its text does not match its SHA-256") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError("has a duplicate key in one object")
    return data


def _constant(name: str) -> Any:
    raise ValueError(f"contains {name}, which is not JSON")
