"""Readers that find the metadata in a file of each format; PCX has none."""

from collections.abc import Callable, Iterator, Mapping

from bench.protect.metadata.block import Block
from bench.protect.metadata.formats.boxes import read_avif, read_jpeg_2000
from bench.protect.metadata.formats.gif import read_gif
from bench.protect.metadata.formats.jpeg import read_jpeg
from bench.protect.metadata.formats.plain import (
    read_bmp,
    read_dib,
    read_ico,
    read_pnm,
    read_sgi,
    read_tga,
    read_tiff,
    read_webp,
)
from bench.protect.metadata.formats.png import read_png

# by Pillow's name of the format; a reader yields the blocks of a file as far as it can be read, and raises ValueError,
# IndexError or struct.error where it is damaged
READERS: Mapping[str, Callable[[bytes], Iterator[Block]]] = {
    "AVIF": read_avif,
    "BMP": read_bmp,
    "DIB": read_dib,
    "GIF": read_gif,
    "ICO": read_ico,
    "JPEG": read_jpeg,
    "JPEG2000": read_jpeg_2000,
    "MPO": read_jpeg,
    "PNG": read_png,
    "PPM": read_pnm,
    "SGI": read_sgi,
    "TGA": read_tga,
    "TIFF": read_tiff,
    "WEBP": read_webp,
}
