"""Read grids and protocols, shipped or a user's own, and apply `--set`."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import ValidationError

from attacks.core.errors import RequestError, one_line, unknown
from attacks.core.numbers import PretrainedSurrogate
from attacks.core.settings import TAG, OwnTable, Reads, Section, Settings
from attacks.methods import methods
from bench.config.axes import AXES
from bench.config.cells import own_tables
from bench.config.models import Exclusion, Grid, Protocol, Setup, digest_of
from victims.countermeasures import countermeasures
from victims.recipes import trainings
from victims.settings import Pretrained

M = TypeVar("M", bound=Settings)

# By the field of an exclusion, the grid's list that it is of; methods have aliases, so theirs is not looked at here.
_LISTS = {axis.field: axis.listed for axis in AXES if axis.excludable and axis.listed and axis.field != "method"}


def shipped(kind: str) -> list[str]:
    """Return the names of the shipped `grids`, `protocols` or `suites`."""
    return sorted(file.name.removesuffix(".toml") for file in _folder(kind).iterdir() if file.name.endswith(".toml"))


def load_grid(name: str, changes: Sequence[str] = ()) -> tuple[Grid, Protocol]:
    """Read a grid and its protocol, both changed as `--set` asks.

    Args:
        name: a shipped grid's name, or the path of a `.toml` file.
        changes: `KEY=VALUE` texts. A key is a grid's (`seeds=[0,1]`) or, after `setup.`, a number of the protocol
            (`setup.noise.steps=20`), which then has another name. Exclusions of what they take out of a list go too.

    Raises:
        RequestError: for a wrong name, key, value or file.
    """
    lists = {key: list(field.default) for key, field in Grid.model_fields.items() if isinstance(field.default, tuple)}
    grid_data = lists | read_toml("grids", name)
    before = {key: tuple(value) for key, value in grid_data.items() if isinstance(value, list)}
    split = [parsed_change(change) for change in changes]
    for path, value in split:
        if path[0] != "setup":
            assign(grid_data, path, value)
    grid = validated(Grid, grid_data, f"grid {name!r}")
    numbers = [change for change, (path, _) in zip(changes, split, strict=True) if path[0] == "setup"]
    protocol = path_of_protocol(name, grid.protocol)
    exclude = tuple(exclusion for exclusion in grid.exclude if not _is_void(exclusion, grid, before))
    return grid.model_copy(update={"protocol": protocol, "exclude": exclude}), load_protocol(protocol, numbers)


def _is_void(exclusion: Exclusion, grid: Grid, before: Mapping[str, Sequence[Any]]) -> bool:
    """Return whether an exclusion names a value that `--set` took out of a list of the grid."""
    values = exclusion.model_dump(include=set(_LISTS), exclude_none=True)
    return any(
        value in before.get(_LISTS[field], ()) and value not in getattr(grid, _LISTS[field])
        for field, value in values.items()
    )


def path_of_protocol(grid: str, protocol: str) -> str:
    """Return a protocol's file as seen from the folder of the grid or suite that names it, or a shipped one's name."""
    return str(Path(grid).parent / protocol) if grid.endswith(".toml") and protocol.endswith(".toml") else protocol


def _changed(protocol: Protocol, numbers: Sequence[tuple[list[str], Any]]) -> Protocol:
    """Return a protocol with other numbers and the same salt, under another name where they really are others."""
    data = protocol.model_dump(mode="json")
    for path, value in numbers:
        assign(data, path, value)
        for setup in data["datasets"].values():
            assign({"setup": setup}, path, value)
    changed = _protocol(data, f"protocol {protocol.name!r}")
    if changed == protocol:
        return protocol
    digest = digest_of(changed.model_dump(mode="json", include={"setup", "datasets"}))
    return changed.model_copy(update={"name": f"{protocol.name}+{digest[:6]}", "stream": protocol.salt})


def load_protocol(name: str, changes: Sequence[str] = ()) -> Protocol:
    """Read a protocol by a shipped one's name or the path of a `.toml` file, changed as `--set` asks.

    Args:
        name: the name or path.
        changes: `setup.KEY=VALUE` texts; a protocol that they change gets another name.

    Raises:
        RequestError: for a wrong name, key, value or file.
    """
    data = read_toml("protocols", name)
    base, datasets = data.get("setup"), data.get("datasets")
    if isinstance(base, dict) and isinstance(datasets, dict):
        data["datasets"] = {dataset: _over(base, changes) for dataset, changes in datasets.items()}
    protocol = _protocol(data, f"protocol {name!r}")
    if name not in shipped("protocols") and protocol.name in shipped("protocols"):
        raise RequestError(f"{name}: {protocol.name!r} is the name of a shipped protocol; rename yours")
    numbers = [parsed_change(change) for change in changes]
    for path, _ in numbers:
        if path[0] != "setup":
            raise RequestError(
                f"--set {'.'.join(path)}: not a number of the protocol; an example is setup.noise.steps=20"
            )
    return _changed(protocol, numbers)


def _protocol(data: dict[str, Any], what: str) -> Protocol:
    """Return the protocol that some data holds, the tables of components checked too."""
    protocol = validated(Protocol, data, what)
    _check_tables(protocol.setup, f"{what}: setup")
    for name, setup in protocol.datasets.items():
        _check_tables(setup, f"{what}: datasets.{name}")
    return protocol


def _check_tables(setup: Setup, what: str) -> None:
    """Refuse a table that no component reads, and numbers that its component does not take."""
    for name in ("noise", "victim", "countermeasure"):
        section: Section = getattr(setup, name)
        if not section.tables:
            continue  # looking for components of packages takes a while
        known = {own.table: own for reads in _readers(name) for own in own_tables(reads)}
        for table, numbers in section.tables.items():
            if table not in known:
                raise RequestError(f"{what}.{name}: {unknown('key', table, [*type(section).model_fields, *known])}")
            own: type[OwnTable] = known[table]
            validated(own, numbers, f"{what}.{name}.{table}")


def _readers(section: str) -> Iterable[Reads]:
    """Return what the components read whose own tables lie in a section."""
    if section == "noise":
        return [*(method.recipe.reads for method in methods().values()), (PretrainedSurrogate,)]
    if section == "victim":
        return [*(known.reads for known in trainings().values()), (Pretrained,)]
    return [known.reads for known in countermeasures().values()]


def _over(base: Any, changes: Any) -> Any:
    """Return a table in which the values of `changes` stand in place of those of `base`, in tables inside it too."""
    if not isinstance(base, dict) or not isinstance(changes, dict):
        return changes
    return base | {key: _over(base.get(key), value) for key, value in changes.items()}


def _folder(kind: str) -> Any:
    return files("bench.config") / kind


def read_toml(kind: str, name: str) -> dict[str, Any]:
    """Return what a file holds: that of a shipped grid, protocol or suite, or the `.toml` file of a user.

    Raises:
        RequestError: where there is no such file, or it cannot be read.
    """
    if name in shipped(kind):
        return tomllib.loads((_folder(kind) / f"{name}.toml").read_text(encoding="utf-8"))
    if not name.endswith(".toml"):
        raise unknown(kind.removesuffix("s"), name, shipped(kind))
    path = Path(name)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise RequestError(f"no such file: {path}; give a .toml file or one of: {', '.join(shipped(kind))}") from None
    except UnicodeDecodeError as error:
        raise RequestError(f"cannot read {path}: it is not UTF-8 text ({error.reason}); save it as UTF-8") from error
    except (OSError, ValueError, RecursionError) as error:
        raise RequestError(f"cannot read {path}: {error}") from error
    data.setdefault("name", path.stem)
    return data


def read_declared(path: Path, model: type[M]) -> M | None:
    """Return what a TOML file next to records declares; None where there is no such file.

    Raises:
        RequestError: where it cannot be read.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise RequestError(f"cannot read {path}: {one_line(str(error))}; fix it") from None
    return validated(model, data, str(path))


def parsed_change(change: str) -> tuple[list[str], Any]:
    """Return the path and the value of a `KEY=VALUE` text.

    Raises:
        RequestError: where it is none.
    """
    key, equals, text = change.partition("=")
    if not equals or not key.strip():
        raise RequestError(f"--set takes KEY=VALUE, not {change!r}")
    try:
        parsed = tomllib.loads(f"value = {text}")
        str(parsed)  # a hexadecimal number can be too long to be printed
    except (ValueError, RecursionError):
        parsed = {"value": _words(text)}
    if len(parsed) != 1:
        raise RequestError(f"--set {key.strip()}: the value has more than one line of TOML; use one --set for each")
    return key.strip().split("."), parsed["value"]


def _words(text: str) -> str | list[str]:
    """Return the value of a text that is no TOML: a word, or a list of words whose quotes a shell may have taken."""
    listed = re.fullmatch(r"\s*\[(.*)\]\s*", text)
    words = [word.strip() for word in (listed[1] if listed else text).split(",")]
    return words if listed or len(words) > 1 else text


def assign(data: dict[str, Any], path: list[str], value: Any) -> None:
    """Set what a path leads to, in place; a single value stands for a list of it where there is a list.

    Raises:
        RequestError: where a part of the path is a single value.
    """
    for part in path[:-1]:
        data = data.setdefault(part, {})  # a key that is not there is then refused as unknown
        if not isinstance(data, dict):
            raise RequestError(
                f"--set {'.'.join(path)}: {part!r} is a single value and has no keys; leave out what follows it"
            )
    old = data.get(path[-1])
    data[path[-1]] = [value] if isinstance(old, list) and not isinstance(value, list) else value


def validated(model: type[M], data: dict[str, Any], what: str) -> M:
    """Return the model that some data is.

    Raises:
        RequestError: where it is not, in one line that begins with `what`.
    """
    try:
        found = model.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
    else:
        if taken := next(_taken_for_numbers(data, found.model_dump()), None):
            raise RequestError(f"{what}: {'.'.join(taken)}: input should be a number, not true or false")
        return found
    path = [part for part in map(str, first["loc"]) if not part.startswith(TAG)]
    if not path:  # of the whole
        raise RequestError(f"{what}: {first['ctx']['error']}")
    *parents, key = path
    if first["type"] == "extra_forbidden" or (first["type"] == "dict_type" and key not in _keys(model, parents)):
        where = ": ".join([what, *([".".join(parents)] if parents else [])])
        raise RequestError(f"{where}: {unknown('key', key, _keys(model, parents))}")
    where = f"{what}: {'.'.join([*parents, key])}"
    if first["type"] == "value_error":  # ours, and said in full
        raise RequestError(f"{where}: {first['ctx']['error']}")
    got = "" if first["type"] == "missing" else f", got {first['input']!r:.200}"
    raise RequestError(f"{where}: {first['msg'][0].lower()}{first['msg'][1:]}{got}")


def _taken_for_numbers(given: Any, taken: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield where true or false was given and taken for 1 or 0, as pydantic does."""
    if isinstance(given, dict) and isinstance(taken, dict):
        for key in given.keys() & taken.keys():
            yield from _taken_for_numbers(given[key], taken[key], (*path, key))
    elif isinstance(given, list | tuple) and isinstance(taken, list | tuple):
        for n, pair in enumerate(zip(given, taken, strict=True)):
            yield from _taken_for_numbers(*pair, (*path, str(n)))
    elif isinstance(given, bool) and not isinstance(taken, bool):
        yield path


def _keys(model: type[Settings], path: Iterable[str]) -> list[str]:
    """Return the keys of the part of `model` that is at `path`, through tables and lists of parts too."""
    for step in path:
        field = next((one for name, one in model.model_fields.items() if step in {name, one.alias}), None)
        kinds = (field.annotation, *get_args(field.annotation)) if field else ()
        model = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Settings)), model)
    return [field.alias or name for name, field in model.model_fields.items()]
