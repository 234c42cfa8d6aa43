"""Validate what users write, with one-line errors in our words instead of pydantic's."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from attacks.core.errors import RequestError, unknown
from attacks.core.settings import LONGEST_NAME, NAME, TAG, Settings

M = TypeVar("M", bound=Settings)

# By pydantic's error type; braces are filled from the error's context.
_WORDS = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "finite_number": "must be a finite number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "greater_than": "must be above {gt:.16g}",
    "greater_than_equal": "must be at least {ge:.16g}",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a smaller whole number",
    "int_type": "must be a whole number",
    "less_than": "must be below {lt:.16g}",
    "less_than_equal": "must be at most {le:.16g}",
    "literal_error": "must be {expected}",
    "mapping_type": "must be a table",
    "model_attributes_type": "must be a table",
    "model_type": "must be a table",
    "dict_type": "must be a table",
    "string_pattern_mismatch": "must match {pattern}",
    "string_too_long": "must have {max_length} or fewer characters",
    "string_too_short": "must have {min_length} or more characters",
    "string_type": "must be text",
    "too_long": "must have {max_length} or fewer entries",
    "too_short": "must have {min_length} or more entries",
    "tuple_type": "must be a list",
}


def validated(model: type[M], data: dict[str, Any], what: str) -> M:
    """Return some data as a model.

    Raises:
        RequestError: if the data does not fit it, in one line that begins with `what`.
    """
    try:
        found = model.model_validate(data)
    except ValidationError as error:
        first = min(error.errors(), key=lambda one: one["type"] == "missing")  # what is missing may be misspelt
    else:
        if taken := next(_taken_for_numbers(data, found.model_dump()), None):
            raise RequestError(f"{what}: {'.'.join(taken)}: must be a number, not true or false")
        return found
    whole = [str(part) for part in first["loc"]]
    path = [part for part in whole if not part.startswith(TAG)]
    if not path:  # an error of the whole model
        raise RequestError(f"{what}: {first['ctx']['error']}")
    *parents, key = path
    if first["type"] == "extra_forbidden" or (first["type"] == "dict_type" and key not in _keys(model, whole[:-1])):
        where = ": ".join([what, *([".".join(parents)] if parents else [])])
        raise RequestError(f"{where}: {unknown('key', key, _keys(model, whole[:-1]))}")
    where = f"{what}: {'.'.join([*parents, key])}"
    if first["type"] == "value_error":  # our own error, worded in full
        raise RequestError(f"{where}: {first['ctx']['error']}")
    raise RequestError(f"{where}: {_why(first)}")


def unknown_key(path: Sequence[str], known: Iterable[str], setup: type[Settings]) -> RequestError:
    """Build the error for a key of `--set` that is neither `setup` nor known.

    Args:
        path: the parts of the key.
        known: every valid first part but `setup`.
        setup: the model of a protocol's numbers, which may be what the key means.
    """
    schema = setup.model_json_schema()
    numbers = {key for table in (schema, *schema["$defs"].values()) for key in table.get("properties", ())}
    meant = len(path) > 1 or path[0] in numbers
    hint = "; numbers of the protocol begin with setup., e.g. setup.noise.steps=20" if meant else ""
    return RequestError(f"--set {'.'.join(path)}: {unknown('key', path[0], [*known, 'setup'])}{hint}")


def _why(error: ErrorDetails) -> str:
    """Return why a value is refused, with the value."""
    if error["type"] == "missing":
        return "is missing; add it"
    if error.get("ctx", {}).get("pattern") == NAME:
        of = f"up to {LONGEST_NAME} letters, digits and . _ + -, the first a letter or digit"
        return f"must consist of {of}, not {_shown(error['input'])}"
    words = _WORDS.get(error["type"])
    why = words.format(**error.get("ctx", {})) if words else f"{error['msg'][0].lower()}{error['msg'][1:]}"
    return f"{why}, not {_shown(error['input'])}"


def _shown(value: Any) -> str:
    try:
        return f"{value!r:.200}"
    except ValueError:  # Python does not print whole numbers of more than 4,300 digits
        return "a number of thousands of digits"


def _taken_for_numbers(given: Any, taken: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of each true or false that pydantic took for 1 or 0."""
    if isinstance(given, dict) and isinstance(taken, dict):
        for key in given.keys() & taken.keys():
            yield from _taken_for_numbers(given[key], taken[key], (*path, key))
    elif isinstance(given, list | tuple) and isinstance(taken, list | tuple):
        for n, pair in enumerate(zip(given, taken, strict=True)):
            yield from _taken_for_numbers(*pair, (*path, str(n)))
    elif isinstance(given, bool) and not isinstance(taken, bool):
        yield path


def _keys(model: type[Settings], path: Iterable[str]) -> list[str]:
    """Return the keys of the part of `model` at `path`, which may lead through tables, lists and tagged unions."""
    models = [model]
    for step in path:
        if step.startswith(TAG):
            kind = step.removeprefix(TAG)
            models = [one for one in models if kind in get_args(one.model_fields["kind"].annotation)]
        else:
            fields = [pair for one in models for pair in one.model_fields.items()]
            types = [field.annotation for name, field in fields if step in {name, field.alias}]
            models = [found for one in types for found in _models_in(one)] or models
    return [field.alias or name for one in models for name, field in one.model_fields.items()]


def _models_in(annotation: Any) -> list[type[Settings]]:
    """Return the models in the type of a field, which may be a list, a table or a union of them."""
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        return [annotation]
    return [found for part in get_args(annotation) for found in _models_in(part)]
