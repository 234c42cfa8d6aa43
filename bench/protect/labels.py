"""The labels of a flat folder: a CSV file with the columns `file` and `label`."""

import csv
from collections.abc import Collection
from pathlib import Path, PurePosixPath

from attacks.core.errors import RequestError

COLUMNS = ("file", "label")


def read_labels(path: Path, names: Collection[str]) -> dict[str, str]:
    """Return the label of every image.

    Args:
        path: the CSV file; its first line names the columns, and others than `file` and `label` are passed over.
        names: every image, as a path below the folder with `/` between parts.

    Raises:
        RequestError: where the file is no such table, or its files are not exactly those in `names`.
    """
    labels: dict[str, str] = {}
    for line, (name, label) in _rows(path):
        if not name or not label:
            raise RequestError(f"{path}, line {line}: the {'label' if name else 'file'} is missing; fill it in")
        if name in labels:
            raise RequestError(f"{path}, line {line}: {name!r} is listed twice; remove one of the lines")
        labels[name] = label
    strange = sorted(labels.keys() - set(names))
    if strange:
        meant = str(PurePosixPath(strange[0].replace("\\", "/")))
        if meant in names:
            raise RequestError(f"{path} names {strange[0]!r}; write {meant!r}, its path in the folder")
        raise RequestError(
            f"{path} names {strange[0]!r}, which is not an image in the folder{_more(strange)}; remove the line"
        )
    missing = sorted(set(names) - labels.keys())
    if missing:
        raise RequestError(f"{path} has no label for {missing[0]!r}{_more(missing)}; add a line for each image")
    return labels


def _rows(path: Path) -> list[tuple[int, tuple[str, str]]]:
    """Return every line's number, file and label."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            head = reader.fieldnames or ()
            if not set(COLUMNS) <= set(head):
                how = " (commas, not semicolons)" if any(";" in name for name in head) else ""
                raise RequestError(f"{path} must begin with the header line {','.join(COLUMNS)}{how}")
            return [(reader.line_num, (_text(row["file"]), _text(row["label"]))) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise RequestError(f"cannot read {path} ({why}); --labels takes a CSV file in UTF-8") from error


def _text(value: str | None) -> str:
    return (value or "").strip()


def _more(names: Collection[str]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""
