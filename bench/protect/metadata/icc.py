"""ICC colour profiles: the tags that colours are computed from, and the owner of the profile; no others."""

import re
import struct

from bench.protect.metadata.draft import Draft

HEAD = 128  # bytes before the table of tags
SPACES = {1: b"GRAY", 3: b"RGB "}  # by channels of the image
MOST_BYTES = 1 << 20  # of a whole profile
MOST_TEXT = 4000  # bytes of a text tag
MOST_TAGS = 100
# tags, from the ICC's specification, and the types that each may have
_TEXT = (b"text", b"desc", b"mluc")
_CURVE = (b"curv", b"para")
_TABLE = (b"mft1", b"mft2", b"mAB ", b"mBA ", b"mpet")
_TAGS: dict[bytes, tuple[bytes, ...]] = {
    **dict.fromkeys((b"desc", b"cprt", b"dmnd", b"dmdd", b"dscm", b"vued"), _TEXT),
    **dict.fromkeys((b"wtpt", b"bkpt", b"rXYZ", b"gXYZ", b"bXYZ", b"lumi"), (b"XYZ ",)),
    **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC", b"kTRC"), _CURVE),
    **dict.fromkeys((b"A2B0", b"A2B1", b"A2B2", b"B2A0", b"B2A1", b"B2A2", b"gamt"), _TABLE),
    **dict.fromkeys((b"D2B0", b"D2B1", b"D2B2", b"D2B3", b"B2D0", b"B2D1", b"B2D2", b"B2D3"), _TABLE),
    b"chad": (b"sf32",),
    b"chrm": (b"chrm",),
    b"cicp": (b"cicp",),
    b"meas": (b"meas",),
    b"tech": (b"sig ",),
    b"view": (b"view",),
}
_LENGTHS = {b"XYZ ": 20, b"cicp": 12, b"meas": 36, b"sig ": 12, b"view": 36, b"chrm": 44, b"sf32": 44, b"para": 40}
# how image files begin, some in base64; a JPEG's first bytes are common in curves, so the next ones must match too
_PICTURES = re.compile(
    rb"\xff\xd8\xff(?:\xe0..JFIF|\xe1..Exif|\xdb\0[\x43\x84])|\x89PNG\r\n|GIF8[79]a|RIFF....WEBP|ftyp(?:avif|hei)"
    rb"|/9j/|iVBORw0",
    re.DOTALL,
)


def rebuilt(profile: bytes, channels: int, draft: Draft) -> bytes:
    """Return a profile with only the tags needed for display; empty where it is too large or not for these pixels.

    Raises:
        ValueError or struct.error: if it is damaged.
    """
    if profile[16:20] != SPACES[channels]:
        space, written = profile[16:20].decode("latin-1").strip(), SPACES[channels].decode().strip()
        draft.lose("colour profile", f"it is for {space} pixels, and the image is written in {written}")
        return b""
    if _is_too_large(profile, draft):
        return b""
    (count,) = struct.unpack_from(">I", profile, HEAD)
    if profile[36:40] != b"acsp" or count > MOST_TAGS:
        raise ValueError("it is not a colour profile")
    kept: dict[bytes, bytes] = {}
    for number in range(count):
        name, start, length = struct.unpack_from(">4sII", profile, HEAD + 4 + 12 * number)
        body = profile[start : start + length]
        if len(body) < length or length < 8:
            raise ValueError("a tag is truncated")
        if name in _TAGS and _fits(body, _TAGS[name]):
            kept[name] = body
        else:
            draft.unknown(f"colour profile's tag {name.decode('latin-1')}", body)
    whole = _written(profile[:HEAD], kept)
    return b"" if _is_too_large(whole, draft) else whole  # it grows where tags overlap


def _is_too_large(profile: bytes, draft: Draft) -> bool:
    if len(profile) <= MOST_BYTES:
        return False
    draft.lose("colour profile", f"{len(profile):,} bytes, at most {MOST_BYTES:,}")
    return True


def _fits(body: bytes, kinds: tuple[bytes, ...]) -> bool:
    """Return whether a tag has an allowed type and content of the right length, with no picture in it."""
    kind = body[:4]
    if kind not in kinds or _PICTURES.search(body):
        return False
    if kind == b"curv":
        (count,) = struct.unpack_from(">I", body, 8)
        curve = struct.unpack_from(f">{count}H", body, 12)
        return len(body) <= 12 + 2 * count + 3 and list(curve) in (sorted(curve), sorted(curve, reverse=True))
    return len(body) <= (MOST_TEXT if kind in _TEXT else _LENGTHS.get(kind, MOST_BYTES))


def _written(head: bytes, tags: dict[bytes, bytes]) -> bytes:
    """Return a profile with these tags; equal ones are stored once, as usual."""
    at = HEAD + 4 + 12 * len(tags)
    table, bodies, places = struct.pack(">I", len(tags)), b"", dict[bytes, int]()
    for name, body in tags.items():
        if body not in places:
            places[body] = at + len(bodies)
            bodies += body + bytes(-len(body) % 4)
        table += struct.pack(">4sII", name, places[body], len(body))
    whole = head[4:84] + bytes(HEAD - 84) + table + bodies  # without a digest and the reserved bytes
    return struct.pack(">I", 4 + len(whole)) + whole
