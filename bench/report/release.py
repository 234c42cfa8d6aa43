"""Releases of results: tables frozen under a name, with the digest of every record behind them.

results/releases/results-2026.12/
    leaderboard.md, .csv, .json, .tex, claims.md    the tables
    croissant.json                                  their description, for search engines and loaders
    digests.txt                                     of these files and of every record; check with `sha256sum -c`
"""

import hashlib
import re
from itertools import count
from pathlib import Path

from attacks.core.errors import RequestError
from attacks.core.files import PART, file_digest, unwritable, write_atomically
from bench.records.store import Store
from bench.report.citations import cite
from bench.report.croissant import of_release
from bench.report.leaderboard import render

FOLDER = "releases"
_NAME = re.compile(r"results-(\d{4})\.(0[1-9]|1[0-2])(?:\.(\d+))?")
_TABLES = ("leaderboard.md", "leaderboard.csv", "leaderboard.json", "leaderboard.tex", "claims.md")
_DIGESTS = "digests.txt"


def freeze(results: Path, name: str) -> list[Path]:
    """Write the tables of a folder of records as a release; return the paths of its files.

    Args:
        results: the folder of records.
        name: `results-YYYY.MM`, or `results-YYYY.MM.N` for a further one in that month.

    Raises:
        RequestError: for any other name, a name that is taken, or a folder that cannot be read or written.
    """
    found = _NAME.fullmatch(name)
    if not found:
        raise RequestError(f"{name!r} is not a release name; use results-YYYY.MM, e.g. results-2026.12")
    folder = results / FOLDER / name
    year, month, further = found.groups()
    if (folder / _DIGESTS).exists():
        names = (f"results-{year}.{month}.{number}" for number in count(int(further or 0) + 1))
        free = next(name for name in names if not (results / FOLDER / name).exists())
        raise RequestError(f"{folder} exists, and releases do not change; choose another name, e.g. {free}")
    rendered = render(results, folder)
    texts = {file: rendered[file] for file in _TABLES if file in rendered}
    version = f"{year}.{int(month)}.{further or 0}"
    bibtex, _ = cite([])
    texts["croissant.json"] = of_release(name, texts, version=version, datePublished=f"{year}-{month}", citeAs=bibtex)
    digests = {f"{FOLDER}/{name}/{file}": hashlib.sha256(text.encode()).hexdigest() for file, text in texts.items()}
    for path in Store(results).files():
        digests[path.relative_to(results).as_posix()] = file_digest(path)
    texts[_DIGESTS] = "".join(f"{digest}  {path}\n" for path, digest in digests.items())  # last: it completes a release
    try:
        folder.mkdir(parents=True, exist_ok=True)  # one that was cut off is completed
    except OSError as error:
        raise unwritable(folder, error) from error
    return [write_atomically(folder / file, text.encode()) for file, text in texts.items()]


def changed(results: Path, name: str) -> list[str]:
    """Return what is wrong with the files of a release and the records behind it: a line for each.

    They are missing, have changed, or were added to the release.

    Raises:
        RequestError: where there is no such release, or a file cannot be read.
    """
    folder = results / FOLDER / name
    listing = folder / _DIGESTS
    try:
        lines = listing.read_text(encoding="utf-8").splitlines()
        there = [path.relative_to(results).as_posix() for path in sorted(folder.iterdir()) if path.suffix != PART]
    except FileNotFoundError:
        raise RequestError(f"there is no release {name!r} in {results / FOLDER}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"cannot read {listing}: {error}") from error
    entries = [line.partition("  ") for line in lines]
    wrong = [
        f"{path}: missing or changed"
        for digest, _, path in entries
        if not (results / path).is_file() or file_digest(results / path) != digest
    ]
    listed = {listing.relative_to(results).as_posix(), *(path for _, _, path in entries)}
    return wrong + [f"{path}: not listed in {_DIGESTS}" for path in there if path not in listed]
