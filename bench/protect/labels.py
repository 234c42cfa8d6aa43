"""The labels of a flat folder: a CSV file with the columns `file` and `label`."""

import csv
import difflib
from collections.abc import Collection
from pathlib import Path, PurePosixPath

from attacks.core.errors import RequestError, listed
from bench.data.tree import composed

COLUMNS = ("file", "label")


def read_labels(path: Path, names: Collection[str], files: Collection[str]) -> dict[str, str]:
    """Return the label of every image.

    Args:
        path: the CSV file; its first line names the columns, in upper or lower case; those other than `file` and
            `label` are ignored, and so are spaces around names and values.
        names: every image, as a path below the folder with `/` between parts.
        files: every file in the folder, including those that are not images.

    Raises:
        RequestError: if the file is not such a table, or its files are not exactly those in `names`.
    """
    labels: dict[str, str] = {}
    for line, (name, label) in _rows(path):
        if not name or not label:
            raise RequestError(f"{path}, line {line}: the {'label' if name else 'file'} is missing; fill it in")
        if name in labels:
            raise RequestError(f"{path}, line {line}: {name!r} is listed twice; remove one of the lines")
        labels[name] = label
    if unread := sorted(labels.keys() & set(files) - set(names)):
        raise RequestError(
            f"{path} names files that are not in a supported image format: {listed(_quoted(unread))}; "
            "convert them, or remove their lines"
        )
    strange = sorted(labels.keys() - set(names))
    if strange:
        near = _near(strange[0], names)
        fix = f"did you mean {near!r}?" if near else "remove the line or lines"
        raise RequestError(f"{path} names what is not an image in the folder: {listed(_quoted(strange))}; {fix}")
    missing = sorted(set(names) - labels.keys())
    if missing:
        raise RequestError(f"{path} has no label for {listed(_quoted(missing))}; add a line for each image")
    return labels


def _near(name: str, names: Collection[str]) -> str | None:
    """Return the image that a name probably means: equal except for case, accent form or slashes; else the closest."""

    def plain(one: str) -> str:
        return str(PurePosixPath(composed(one.replace("\\", "/")).casefold()))

    alike = [one for one in sorted(names) if plain(one) == plain(name)]
    same_end = [one for one in sorted(names) if PurePosixPath(plain(one)).name == PurePosixPath(plain(name)).name]
    return next(iter(alike or same_end or difflib.get_close_matches(name, names, n=1)), None)


def _quoted(names: list[str]) -> list[str]:
    return [repr(name) for name in names]


def _rows(path: Path) -> list[tuple[int, tuple[str, str]]]:
    """Return every line's number, file and label."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True, skipinitialspace=True)
            head = [name.strip().casefold() for name in next(reader, [])]
            if any(head.count(name) != 1 for name in COLUMNS):
                other = next((mark for mark in (";", "\t") if any(mark in name for name in head)), "")
                how = f" (with commas, not {'semicolons' if other == ';' else 'tabs'})" if other else ""
                raise RequestError(f"{path} must begin with the header line {','.join(COLUMNS)}{how}")
            places = [head.index(name) for name in COLUMNS]
            return [(reader.line_num, _values(row, places)) for row in reader if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise RequestError(f"cannot read {path} ({why}); --labels takes a CSV file in UTF-8") from error


def _values(row: list[str], places: list[int]) -> tuple[str, str]:
    file, label = (row[place].strip() if place < len(row) else "" for place in places)
    return file, composed(label)
