"""The page on metadata names every file ending that is read and everything that is kept."""

import re
from pathlib import Path

import pytest

from bench.data.tree import ENDINGS
from bench.protect.metadata import exif, xmp
from bench.protect.metadata.formats.png import DISPLAY, OWNERS
from bench.protect.metadata.iptc import FIELDS

PAGE = (Path(__file__).parents[2] / "docs/metadata.md").read_text(encoding="utf-8")
KEPT = {
    "endings": ENDINGS,
    "exif": (*exif.TEXTS.values(), "XPAuthor", "ColorSpace", "interoperability index"),
    "xmp": (f"`{prefix}`" for prefix in xmp.PROPERTIES if prefix != "tdmrep"),
    "few properties": (name for _, names in xmp.PROPERTIES.values() if len(names) < 5 for name in names),
    "iptc": (f"{name} ({number})" for number, (name, *_) in FIELDS.items()),
    "texts": {word.capitalize() for word in OWNERS} - {"Author title", "Licence"},  # our own, and a rare spelling
    "chunks": (kind.decode() for kind in DISPLAY),
}


@pytest.mark.parametrize("kind", KEPT)
def test_the_page_names_all(kind: str) -> None:
    assert [name for name in KEPT[kind] if not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", PAGE)] == []
