"""Pages with tables between markers, filled in from the records: the README and the pages next to the records.

    <!-- records: headline group=cifar10-jpeg-lite-v1-bf16 -->
    ...
    <!-- records: end -->

The text between two such lines is replaced. `bench.report.blocks` defines the kinds of tables.
"""

import re
from collections.abc import Collection
from pathlib import Path

from attacks.core.errors import RequestError, unknown
from attacks.core.files import unreadable
from bench.report.blocks import KINDS, Material

_BEGIN = re.compile(r"^<!-- records: (?P<words>[^\n]*?) -->\n", re.MULTILINE)
_END = "<!-- records: end -->"
_README = "../README.md"
_PUBLISHED = "results"  # the name of the folder whose records the README next to it shows


def filled(out: Path, generated: Collection[str], material: Material) -> dict[str, str]:
    """Return the pages of a folder that have markers, by name, with their tables filled in from the records.

    These are the folder's Markdown files, except those that are generated entirely, and the README next to it if the
    folder is called `results`: the README shows no other records.

    Raises:
        RequestError: where a page cannot be read, or a marker asks for something that does not exist.
    """
    names = sorted(path.name for path in out.glob("*.md") if path.name not in generated)
    found = {}
    for name in [*names, _README] if out.resolve().name == _PUBLISHED else names:
        path = out / name
        try:
            text = path.read_text(encoding="utf-8") if path.is_file() else ""
        except UnicodeDecodeError:
            continue
        except OSError as error:
            raise unreadable(path, error) from error
        if _BEGIN.search(text):
            found[name] = _fill(text, str(path), material)
    return found


def _fill(text: str, where: str, material: Material) -> str:
    """Replace the text between markers."""
    parts, at = [], 0
    while begin := _BEGIN.search(text, at):
        end = text.find(_END, begin.end())
        if begin["words"] == "end" or end < 0 or ((again := _BEGIN.search(text, begin.end())) and again.start() < end):
            line = text.count("\n", 0, begin.start()) + 1
            raise RequestError(f"{where}, line {line}: the marker has no {_END} to match it; add one")
        try:
            block = _block(begin["words"], material)
        except RequestError as error:
            line = text.count("\n", 0, begin.start()) + 1
            raise RequestError(f"{where}, line {line}: {error}") from None
        parts += [text[at : begin.end()], "\n", block, "\n\n", _END]
        at = end + len(_END)
    return "".join([*parts, text[at:]])


def _block(words: str, material: Material) -> str:
    """Return the table that a marker asks for."""
    kind, *rest = words.split() or [""]
    if kind not in KINDS:
        raise unknown("kind of table", kind, KINDS)
    make, known = KINDS[kind]
    options: dict[str, tuple[str, ...]] = {}
    for word in rest:
        name, separator, value = word.partition("=")
        if name not in known or not separator or not value:
            have = f"takes NAME=VALUE with NAME one of {', '.join(known)}" if known else "takes none"
            raise RequestError(f"{word!r} is not an option of the table {kind}, which {have}")
        options[name] = tuple(value.split(","))
    return make(material, options)
