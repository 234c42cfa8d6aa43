"""Read grids and protocols, shipped or a user's own, and apply `--set`."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from attacks.core.errors import RequestError, one_line, unknown
from attacks.core.numbers import PretrainedSurrogate
from attacks.core.settings import LONGEST_NAME, OwnTable, Reads, Section
from attacks.methods import methods
from bench.config.axes import AXIS
from bench.config.cells import own_tables
from bench.config.models import Exclusion, Grid, Protocol, Setup, digest_of
from bench.config.recorded import recorded_name
from bench.config.validated import M, unknown_key, validated
from victims.countermeasures import countermeasures
from victims.recipes import trainings
from victims.settings import Pretrained

_PAIRS = {"[": "]", "{": "}"}
_USUAL_KINDS = ("sgd", "shift")  # of optimisers and of views whose table states no kind


def shipped(kind: str) -> list[str]:
    """Return the names of the shipped `grids`, `protocols` or `suites`."""
    return sorted(file.name.removesuffix(".toml") for file in _folder(kind).iterdir() if file.name.endswith(".toml"))


def load_grid(name: str, changes: Sequence[str] = ()) -> tuple[Grid, Protocol]:
    """Read a grid and its protocol, both changed as `--set` asks.

    Args:
        name: a shipped grid's name, or the path of a `.toml` file.
        changes: `KEY=VALUE` texts. A key is a grid's (`seeds=[0,1]`) or, after `setup.`, a number of the protocol
            (`setup.noise.steps=20`), which is then renamed. Exclusions of values removed from a list are dropped.

    Raises:
        RequestError: for a wrong name, key, value or file.
    """
    lists = {key: list(field.default) for key, field in Grid.model_fields.items() if isinstance(field.default, tuple)}
    grid_data = lists | read_toml("grids", name)
    if isinstance(own := grid_data.get("protocol"), str):
        grid_data["protocol"] = path_of_protocol(name, own)
    before = {key: tuple(value) for key, value in grid_data.items() if isinstance(value, list)}
    split = [parsed_change(change) for change in changes]
    for path, value in split:
        if path[0] != "setup":
            if path[0] not in Grid.model_fields:
                raise unknown_key(path, Grid.model_fields, Setup)
            assign(grid_data, path, value)
    grid = validated(Grid, grid_data, f"grid {name!r}")
    numbers = [change for change, (path, _) in zip(changes, split, strict=True) if path[0] == "setup"]
    exclude = tuple(exclusion for exclusion in grid.exclude if not _is_void(exclusion, grid, before))
    return grid.model_copy(update={"exclude": exclude}), load_protocol(grid.protocol, numbers)


def _is_void(exclusion: Exclusion, grid: Grid, before: Mapping[str, Sequence[Any]]) -> bool:
    """Return whether an exclusion names a value that `--set` removed from one of the grid's lists."""
    for field, value in exclusion.model_dump(exclude_none=True).items():
        listed, name = str(AXIS[field].listed), recorded_name(field, value)
        was, now = (
            name in [recorded_name(field, each) for each in values]
            for values in (before.get(listed, ()), getattr(grid, listed))
        )
        if was and not now:
            return True
    return False


def path_of_protocol(grid: str, protocol: str) -> str:
    """Resolve a protocol's path against the folder of the grid's or suite's file; keep a shipped one's name."""
    return str(Path(grid).parent / protocol) if grid.endswith(".toml") and protocol.endswith(".toml") else protocol


def base_of(protocol: str) -> str:
    """Return the name of the protocol that this one is a variant of or was changed from, if any, else its own name."""
    return protocol.partition("+")[0]


def _changed(protocol: Protocol, numbers: Sequence[tuple[list[str], Any]]) -> Protocol:
    """Return a protocol with changed numbers and the same salt, renamed if any number really differs."""
    data, kinds = protocol.model_dump(mode="json"), dict[str, Any]()
    for path, value in numbers:
        assign(protocol.model_dump(mode="json"), path, value)  # checks the path
        if path[-1] == "kind":
            assign(kinds, path[1:], value)
    # another kind replaces its table first, whatever the order of the changes
    data = _over(data, {"setup": kinds, "datasets": dict.fromkeys(data["datasets"], kinds)})
    for path, value in numbers:
        assign(data, path, value)
        for setup in data["datasets"].values():
            assign({"setup": setup}, path, value)
    changed = _protocol(data, f"protocol {protocol.name!r}")
    if changed == protocol:
        return protocol
    digest = digest_of(changed.model_dump(mode="json", include={"setup", "datasets"}))
    name = f"{protocol.name}+{digest[:6]}"
    if len(name) > LONGEST_NAME:
        raise RequestError(
            f"--set renames protocol {protocol.name}, and the new name would exceed {LONGEST_NAME} characters; shorten "
            "the name in its file"
        )
    return changed.model_copy(update={"name": name, "stream": protocol.salt})


def load_protocol(name: str, changes: Sequence[str] = ()) -> Protocol:
    """Read a protocol, changed as `--set` asks.

    Args:
        name: a shipped protocol's name, or the path of a `.toml` file.
        changes: `setup.KEY=VALUE` texts; a protocol that they change is renamed.

    Raises:
        RequestError: for a wrong name, key, value or file.
    """
    data = _on_base(read_toml("protocols", name), name)
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


def _on_base(data: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the data of a protocol's file, completed from its `base`."""
    if "base" not in data:
        return data
    base = str(data["base"])
    if base not in shipped("protocols"):
        raise RequestError(f"protocol {name!r}: base: {unknown('built-in protocol', base, shipped('protocols'))}")
    whole, own = _on_base(read_toml("protocols", base), base), {key: data[key] for key in data if key != "base"}
    datasets = {dataset: _over(changes, own.get("setup", {})) for dataset, changes in whole.get("datasets", {}).items()}
    merged: dict[str, Any] = _over(
        {"stream": whole.get("stream", base), "setup": whole["setup"], "datasets": datasets}, own
    )
    return merged


def _protocol(data: dict[str, Any], what: str) -> Protocol:
    """Return the protocol in some data, with the tables of its components checked too."""
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
            continue  # finding the components of other packages takes a while
        known = {own.table: own for reads in _readers(name) for own in own_tables(reads)}
        for table, numbers in section.tables.items():
            if table not in known:
                raise RequestError(f"{what}.{name}: {unknown('key', table, [*type(section).model_fields, *known])}")
            own: type[OwnTable] = known[table]
            validated(own, numbers, f"{what}.{name}.{table}")


def _readers(section: str) -> Iterable[Reads]:
    """Return what is read by each component that has its own tables in a section."""
    if section == "noise":
        return [*(method.recipe.reads for method in methods().values()), (PretrainedSurrogate,)]
    if section == "victim":
        return [*(known.reads for known in trainings().values()), (Pretrained,)]
    return [known.reads for known in countermeasures().values()]


def _over(base: Any, changes: Any) -> Any:
    """Return `base` with its values replaced by those of `changes`, also in nested tables.

    A table of another `kind`, such as another optimiser, replaces the whole table.
    """
    if not isinstance(base, dict) or not isinstance(changes, dict):
        return changes
    kinds = (base["kind"],) if "kind" in base else _USUAL_KINDS
    if "kind" in changes and changes["kind"] not in kinds:
        return changes
    return base | {key: _over(base.get(key), value) for key, value in changes.items()}


def _folder(kind: str) -> Any:
    return files("bench.config") / kind


def read_toml(kind: str, name: str) -> dict[str, Any]:
    """Return the data of a shipped grid, protocol or suite, or of a user's `.toml` file.

    Raises:
        RequestError: if there is no such file, or it cannot be read.
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
        RequestError: if it cannot be read.
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
        RequestError: if the text has another form.
    """
    key, equals, text = change.partition("=")
    if not equals or not key.strip():
        raise RequestError(f"--set takes KEY=VALUE, not {change!r}")
    try:
        parsed = tomllib.loads(f"value = {text}")
        str(parsed)  # a hexadecimal number can be too long to print
    except (ValueError, RecursionError):
        if lone := _lone(text):
            raise RequestError(
                f"--set {key.strip()}: unmatched {lone} in {one_line(text, 60)!r}; put the whole argument in "
                """single quotes, which the shell removes: --set 'methods=["clean","em"]'"""
            ) from None
        parsed = {"value": _words(text)}
    if len(parsed) != 1:
        raise RequestError(f"--set {key.strip()}: the value has more than one line of TOML; use one --set for each")
    return key.strip().split("."), parsed["value"]


def _lone(text: str) -> str | None:
    """Return the first unmatched bracket or quote in a text that begins or ends like a list or string."""
    bare, opened, before = text.strip(), list[str](), " "
    if not bare.startswith(("[", "{", '"', "'")) and not bare.endswith(("]", "}")):
        return None
    for one in bare:
        if opened and opened[-1] in "\"'":
            if one == opened[-1]:
                opened.pop()
        elif one in _PAIRS or (one in "\"'" and not before.isalnum()):  # an apostrophe opens nothing
            opened.append(one)
        elif one in _PAIRS.values() and (not opened or _PAIRS[opened.pop()] != one):
            return one
        before = one
    return opened[0] if opened else None


def _words(text: str) -> str | list[str]:
    """Return the value of a text that is not TOML: a word, or a list of words whose quotes a shell may have removed."""
    listed = re.fullmatch(r"\s*\[(.*)\]\s*", text)
    words = [word.strip() for word in (listed[1] if listed else text).split(",")]
    return words if listed or len(words) > 1 else text


def assign(data: dict[str, Any], path: list[str], value: Any) -> None:
    """Set the value at a path, in place; a single value that replaces a list becomes a list.

    Raises:
        RequestError: if a part of the path is not a table.
    """
    for part in path[:-1]:
        data = data.setdefault(part, {})  # a missing key is refused later, as unknown
        if not isinstance(data, dict):
            raise RequestError(f"--set {'.'.join(path)}: {part!r} is not a table; leave out what follows it")
    old = data.get(path[-1])
    data[path[-1]] = [value] if isinstance(old, list) and not isinstance(value, list) else value
