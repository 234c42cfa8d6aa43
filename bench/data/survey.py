"""What is known about a tree only by reading its files, kept in the cache."""

import contextlib
import hashlib
import logging
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from attacks.core.errors import RequestError
from attacks.core.files import set_aside, unreadable, write_atomically
from bench.data.dataset import Places
from bench.data.decode import is_grey, unwarned
from bench.data.resources import in_threads
from bench.data.tree import File, Tree, check_unchanged
from bench.seal import parse_sealed, seal

logger = logging.getLogger(__name__)


class SurveyError(RequestError):
    """A tree is there, but cannot be surveyed."""


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What the files of a tree contain.

    Attributes:
        digest: SHA-256, in hex, over the paths, sizes and bytes of the files, in order.
        grey: whether all images are grey, so that one channel suffices.
        repeated: paths of the test files whose bytes are those of a training file.
    """

    digest: str
    grey: bool
    repeated: tuple[str, ...]


def survey(tree: Tree, places: Places) -> Survey:
    """Return the survey of a tree, from the cache or by reading all its files.

    The cached one is valid as long as no file's size or modification time changes.

    Raises:
        SurveyError: if a file cannot be read, or the tree changed since it was listed.
    """
    root = hashlib.sha256(str(tree.root).encode("utf-8", "surrogateescape")).hexdigest()
    note = places.cached("datasets") / f"survey-{root[:16]}.json"
    known = _read_note(note)
    if known.get("stats") == tree.stats:
        return Survey(digest=known["digest"], grey=known["grey"], repeated=tuple(known["repeated"]))
    logger.info("reading %d files in %s (once)", len(tree.files), tree.root)
    found = _read_unchanged(tree)
    with contextlib.suppress(RequestError):  # no result depends on the note
        write_atomically(note, seal(asdict(found) | {"stats": tree.stats}))
    return found


@lru_cache(maxsize=2)  # should the note be impossible to write
def _read_unchanged(tree: Tree) -> Survey:
    try:
        found = read_files(tree)
        check_unchanged(tree)
    except RequestError as error:
        raise SurveyError(str(error)) from error
    return found


@unwarned()
def read_files(tree: Tree) -> Survey:
    """Read all files of a tree.

    Raises:
        RequestError: if one cannot be read.
    """

    def read(file: File) -> tuple[bytes, bytes]:
        path = tree.root / file.path
        try:
            content = path.read_bytes()
        except OSError as error:
            raise unreadable(path, error) from error
        return f"{file.path}\0{len(content)}\0".encode("utf-8", "surrogateescape"), hashlib.sha256(content).digest()

    found = in_threads(read, tree.files)
    train, test = found[: len(tree.train)], found[len(tree.train) :]
    learnt = {content for _, content in train}
    return Survey(
        digest=hashlib.sha256(b"".join(head + content for head, content in found)).hexdigest(),
        grey=all(_may_be_grey(tree.root / file.path) for file in tree.files),
        repeated=tuple(file.path for file, (_, content) in zip(tree.test, test, strict=True) if content in learnt),
    )


def _may_be_grey(path: Path) -> bool:
    """Return whether an image is grey, or so damaged that decoding it will report that."""
    try:
        return is_grey(path)
    except RequestError:
        return True


def _read_note(path: Path) -> dict[str, Any]:
    try:
        return parse_sealed(path.read_bytes())
    except OSError:
        return {}
    except ValueError as error:
        logger.warning("%s is damaged (%s); set aside as %s and rebuilt", path, error, set_aside(path).name)
        return {}
