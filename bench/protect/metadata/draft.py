"""What is gathered about one image's metadata: what is kept, what is dropped, and what should have been kept."""

import re
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from bench.data.png import Chunk
from bench.protect.metadata.directories import Tag, TagPlace

SMALL = 128  # bytes, too few for a picture
MOST_CHARACTERS = 2000  # of a kept text: a statement of ownership is short, an image encoded as text is not
# an unbroken run of letters as in base64 and hexadecimal, or several such lines in a row
_ENCODED = re.compile(r"[A-Za-z0-9+/=_-]{200}|(?:[A-Za-z0-9+/=_-]{32,}\s+){4}|data:[a-z]+/[a-z+.-]+[;,]")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")  # nor could XML hold them
_OWNER = re.compile(r"©|\(c\)|copyright|rights reserved|licen[cs]e|creative commons", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """Which metadata of an image its PNG keeps, and which it does not.

    Attributes:
        chunks: of the PNG, in the order in which they are written.
        pictures: what was dropped because it holds, or may hold, a picture of the original.
        others: what was dropped because it says neither who owns the image nor how it is displayed.
        lost: what says who owns the image or how it is displayed but could not be kept, with the reason.
    """

    chunks: tuple[Chunk, ...]
    pictures: tuple[str, ...]
    others: tuple[str, ...]
    lost: tuple[str, ...]


@dataclass
class Draft:
    """`Metadata` while it is gathered.

    Attributes:
        oriented: whether the orientation is settled, so that no other is kept.
        exif: each kept EXIF tag, by its place.
        xmp: each kept XMP property, by its qualified name.
        resolution: pixels per metre, across and down, as EXIF data or TIFF tags state them; empty where they do not.
        texts: PNG texts, as pairs of keyword and text.
        display: PNG chunks about colour and resolution, by kind.
    """

    oriented: bool = False
    exif: dict[TagPlace, Tag] = field(default_factory=dict)
    xmp: dict[str, Element] = field(default_factory=dict)
    resolution: tuple[float, ...] = ()
    texts: list[tuple[str, str]] = field(default_factory=list)
    display: dict[bytes, bytes] = field(default_factory=dict)
    _pictures: dict[str, None] = field(default_factory=dict)
    _others: dict[str, None] = field(default_factory=dict)
    _lost: dict[str, None] = field(default_factory=dict)

    def picture(self, what: str) -> None:
        """Note that something was dropped that holds, or may hold, a picture."""
        self._pictures[what] = None

    def other(self, what: str) -> None:
        """Note that something was dropped that is needed neither to display the image nor to know its owner."""
        self._others[what] = None

    def unknown(self, what: str, data: bytes) -> None:
        """Note that something was dropped that may hold a picture if it is large enough."""
        (self.picture if len(data) > SMALL else self.other)(what)

    def lose(self, what: str, why: str) -> None:
        """Note that something could not be kept that should have been."""
        self._lost[f"{what} ({why})"] = None

    def keep_text(self, keyword: str, text: str, what: str) -> None:
        """Keep a text about the owner of the image, unless it is unfit."""
        text = text.strip("\0 \t\r\n")
        if why := unfit(text):
            self.lose(what, why)
        elif text and (keyword, text) not in self.texts:
            self.texts.append((keyword, text))

    def keep_remark(self, text: str, what: str) -> None:
        """Keep a comment that says who owns the image; drop any other."""
        text = text.strip("\0 \t\r\n")
        if _OWNER.search(text[:MOST_CHARACTERS]):
            self.keep_text("Copyright", text, what)
        elif unfit(text):
            self.picture(what)
        elif text:
            self.other(what)

    def done(self, chunks: tuple[Chunk, ...]) -> Metadata:
        """Return the result, with these chunks of the PNG."""
        return Metadata(
            chunks=chunks, pictures=tuple(self._pictures), others=tuple(self._others), lost=tuple(self._lost)
        )


def unfit(text: str) -> str:
    """Return why a text cannot be kept (it is too long, or may hold something other than text); empty if it can."""
    if len(text) > MOST_CHARACTERS:
        return f"{len(text):,} characters, at most {MOST_CHARACTERS:,}"
    if _ENCODED.search(text):
        return "it looks like encoded data"
    return "it has control characters" if _UNPRINTABLE.search(text) else ""


def decoded(raw: bytes) -> str:
    """Decode a text of unknown encoding: as UTF-8 if it is valid, else as Latin-1."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
