"""GIF and its extensions."""

from collections.abc import Iterator

from bench.protect.metadata.block import Block, after, iptc


def read_gif(content: bytes) -> Iterator[Block]:
    """Yield the blocks of a GIF."""
    at = 13 + _colours(content[10])
    while at < len(content) and content[at] != 0x3B:
        kind, label = content[at], content[at + 1]
        if kind == 0x2C:  # a picture
            at += 11 + _colours(content[at + 9])
            at = _sub_blocks(content, at)[1]
        elif kind != 0x21:  # not an extension either; readers skip it
            at += 1
        elif content[at + 3 : at + 14] == b"XMP DataXMP":  # the only one not in sub-blocks; a skip trailer follows
            end = content.index(b"\x01\xff\xfe", at)
            yield Block("xmp", "XMP", content[at + 14 : end])
            at = content.index(b"\x00\x00", end) + 2
        else:
            parts, at = _sub_blocks(content, at + 2)
            yield from _extension(label, parts)
    yield from after(content, at + 1)


def _extension(label: int, parts: list[bytes]) -> Iterator[Block]:
    """Yield the blocks of a GIF extension."""
    head, rest = (parts[0] if parts else b""), b"".join(parts[1:])
    if label == 0xFE:
        yield Block("remark", "GIF comment", b"".join(parts))
    elif label == 0xFF and head == b"ICCRGBG1012":
        yield Block("profile", "colour profile", rest)
    elif label == 0xFF and head in {b"MGK8BIM0000", b"MGKIPTC0000"}:
        yield iptc(rest)
    elif label != 0xF9 and head not in {b"NETSCAPE2.0", b"ANIMEXTS1.0"}:  # time and transparency; repetition
        yield Block("unknown", f"GIF extension {head[:11].decode('latin-1')!r}", b"".join(parts))


def _colours(flags: int) -> int:
    return 3 * 2 ** (flags % 8 + 1) if flags & 0x80 else 0


def _sub_blocks(content: bytes, at: int) -> tuple[list[bytes], int]:
    parts = []
    while length := content[at]:
        parts.append(content[at + 1 : at + 1 + length])
        at += 1 + length
    return parts, at + 1
