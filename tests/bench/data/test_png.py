"""PNGs whose texts are longer than Pillow reads: their pixels are read in full."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bench.data.decode import decode
from bench.data.png import MOST_TEXT, Chunk, inflated, places, text_of, without_long_texts

RGB = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
LONG = "a workflow " * 200_000


def saved(path: Path, *texts: tuple[str, str, bool], after: bytes = b"") -> Path:
    """Write a PNG with texts (keyword, text, whether it is compressed) and chunks after its pixels."""
    info = PngInfo()
    for keyword, text, packed in texts:
        info.add_itxt(keyword, text, zip=packed) if "i" in keyword else info.add_text(keyword, text, zip=packed)
    Image.fromarray(RGB).save(path, pnginfo=info)
    path.write_bytes(path.read_bytes()[:-12] + after + Chunk(b"IEND", b"").framed)
    return path


@pytest.mark.parametrize("keyword", ["parameters", "prompt"])
@pytest.mark.parametrize("packed", [True, False])
def test_a_long_text_is_left_out(tmp_path: Path, keyword: str, packed: bool) -> None:
    path = saved(tmp_path / "1.png", ("Author", "me", False), (keyword, LONG, packed))
    assert np.array_equal(decode(path, None), RGB.transpose(2, 0, 1))
    stream = without_long_texts(path)
    assert isinstance(stream, io.BytesIO)
    with Image.open(stream) as image:
        assert image.text == {"Author": "me"}


def test_a_long_text_after_the_pixels_and_a_long_profile(tmp_path: Path) -> None:
    text = Chunk(b"zTXt", b"prompt\0\0" + zlib.compress(LONG.encode())).framed
    path = saved(tmp_path / "1.png", after=text)
    whole = path.read_bytes()
    profile = Chunk(b"iCCP", b"profile\0\0" + zlib.compress(bytes(2 * MOST_TEXT))).framed
    path.write_bytes(whole[:33] + profile + whole[33:])
    assert np.array_equal(decode(path, None), RGB.transpose(2, 0, 1))


def test_many_texts_that_are_long_together(tmp_path: Path) -> None:
    packed = zlib.compress(bytes(MOST_TEXT))
    texts = b"".join(Chunk(b"zTXt", f"text {number}\0\0".encode() + packed).framed for number in range(70))
    path = saved(tmp_path / "1.png")
    whole = path.read_bytes()
    path.write_bytes(whole[:33] + texts + whole[33:])
    with pytest.raises(ValueError, match="memory"), Image.open(path) as image:
        image.load()
    assert np.array_equal(decode(path, None), RGB.transpose(2, 0, 1))


def test_a_text_that_expands_without_end_is_not_expanded() -> None:
    bomb = zlib.compress(bytes(1 << 26), 9)
    assert inflated(bomb) is None
    assert inflated(zlib.compress(b"short")) == b"short"


def test_texts_of_all_kinds() -> None:
    packed = zlib.compress("naïve 图".encode())
    assert text_of(Chunk(b"tEXt", b"Title\0caf\xe9")) == ("Title", "café")
    assert text_of(Chunk(b"zTXt", b"Title\0\0" + zlib.compress(b"caf\xe9"))) == ("Title", "café")
    assert text_of(Chunk(b"iTXt", b"Title\0\0\0fr\0Titre\0" + "naïve 图".encode())) == ("Title", "naïve 图")
    assert text_of(Chunk(b"iTXt", b"Title\0\1\0fr\0Titre\0" + packed)) == ("Title", "naïve 图")
    assert text_of(Chunk(b"tEXt", b"Title")) == ("Title", "")
    with pytest.raises(ValueError, match="incorrect header"):
        text_of(Chunk(b"zTXt", b"Title\0\0damaged"))


def test_other_files_are_opened_as_they_are(tmp_path: Path) -> None:
    path = saved(tmp_path / "1.png", ("Author", "me", True))
    assert without_long_texts(path) == path
    cut = tmp_path / "2.png"
    for content in (b"", b"\x89PNG\r\n\x1a\n", path.read_bytes()[:50], b"\xff\xd8\xff"):
        cut.write_bytes(content)
        assert without_long_texts(cut) == cut
    damaged = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4s", 2**31, b"IDAT")
    assert [place.length for place in places(io.BytesIO(damaged))] == [2**31]
