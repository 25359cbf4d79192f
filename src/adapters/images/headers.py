"""What a picture's first bytes say, read by us before any library sees the file.

Only what a job can ask for is let through: one PNG without interlacing, or one EXR of scanlines,
stored or deflated: the child reads those by itself, where RLE and PIZ would need a library written
in C++. PNG specification (third edition), 11.2.1; OpenEXR file layout.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from ...ports.images import CHANNEL_NAMES, ImageFormat

HEADER_BYTES = 1 << 16
"""Enough of the file for either header; a longer EXR header is refused."""
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_COLOUR_TYPES = {3: 2, 4: 6}
_EXR_MAGIC = struct.pack("<I", 20000630)
_EXR_SCANLINES = 2  # version 2, and none of the flags: tiles, long names, deep data, several parts
_EXR_COMPRESSIONS = (0, 2, 3)  # none, ZIPS, ZIP
_EXR_DEPTHS = {1: 16, 2: 32}
_EXR_PLAIN = {
    (b"pixelAspectRatio", b"float"): struct.pack("<f", 1),
    (b"screenWindowCenter", b"v2f"): struct.pack("<2f", 0, 0),
    (b"screenWindowWidth", b"float"): struct.pack("<f", 1),
    (b"type", b"string"): b"scanlineimage",
}
"""What a file may say beside its size and channels: another reader takes anything more, as other
primaries or another shape of pixel, for another picture than the one that was compared."""


_Channels = list[tuple[bytes, tuple[int, int, int]]]


class NotThisContainer(ValueError):
    """The bytes are no well-formed header of the container that was expected."""


def facts(head: bytes, expected: ImageFormat) -> dict[str, object]:
    """What the header says, under the same names as ``wanted``.

    Raises NotThisContainer, saying what is malformed.
    """
    return _png(head) if expected.container == "PNG" else _exr(head)


def wanted(expected: ImageFormat) -> dict[str, object]:
    """What ``facts`` has to equal."""
    size: dict[str, object] = {"width": expected.width, "height": expected.height, "depth": expected.depth}
    if expected.container == "PNG":
        return size | {"colour type": PNG_COLOUR_TYPES[expected.channels], "interlaced": False}
    return size | {"channels": " ".join(sorted(CHANNEL_NAMES[expected.channels]))}


def _png(head: bytes) -> dict[str, object]:
    if len(head) < 33 or head[:8] != PNG_SIGNATURE or head[8:16] != b"\0\0\0\rIHDR":
        raise NotThisContainer("it is not a PNG")
    if zlib.crc32(head[12:29]) != int.from_bytes(head[29:33], "big"):
        raise NotThisContainer("its header is damaged")
    width, height, depth, colour, method, filters, interlace = struct.unpack(">IIBBBBB", head[16:29])
    if (method, filters) != (0, 0) or interlace not in (0, 1):
        raise NotThisContainer("its header asks for what no PNG has")
    return {
        "width": width,
        "height": height,
        "depth": depth,
        "colour type": colour,
        "interlaced": interlace == 1,
    }


def _exr(head: bytes) -> dict[str, object]:
    if len(head) < 8 or head[:4] != _EXR_MAGIC:
        raise NotThisContainer("it is not an EXR")
    if int.from_bytes(head[4:8], "little") != _EXR_SCANLINES:
        raise NotThisContainer("it is not a plain EXR of scanlines")
    found, _ = _attributes(head)
    try:
        window = struct.unpack("<4i", found[b"dataWindow", b"box2i"])
        shown = struct.unpack("<4i", found[b"displayWindow", b"box2i"])
        (compression,) = struct.unpack("<B", found[b"compression", b"compression"])
        (order,) = struct.unpack("<B", found[b"lineOrder", b"lineOrder"])
        channels = list(_channels(found[b"channels", b"chlist"]))
    except (KeyError, struct.error) as error:
        raise NotThisContainer(f"its header lacks or garbles {error}") from error
    if window != shown or window[:2] != (0, 0) or order != 0 or compression not in _EXR_COMPRESSIONS:
        raise NotThisContainer("its window, line order or compression is not one that is accepted")
    depth = _depth(channels)
    _check_plain(found, channels)
    return {
        "width": window[2] + 1,
        "height": window[3] + 1,
        "depth": depth,
        "channels": " ".join(name.decode("ascii", "replace") for name, _ in channels),
    }


def exr_body(head: bytes) -> tuple[int, int]:
    """Of an EXR whose ``facts`` are as wanted: where its header ends, and its compression's number."""
    found, end = _attributes(head)
    return end, found[b"compression", b"compression"][0]


def _depth(channels: _Channels) -> int:
    """Of each channel, or NotThisContainer."""
    kinds = {kind for _, kind in channels}
    for number, depth in _EXR_DEPTHS.items():
        if kinds == {(number, 1, 1)}:
            return depth
    raise NotThisContainer("its channels are not all half or all 32-bit floats at full resolution")


def _check_plain(found: dict[tuple[bytes, bytes], bytes], channels: _Channels) -> None:
    listed = b"".join(name + struct.pack("<BiIii", 0, *kind[:1], 0, *kind[1:]) for name, kind in channels)
    if found[b"channels", b"chlist"] != listed + b"\0":
        raise NotThisContainer("its list of channels says more than their names and type")
    known = {b"channels", b"compression", b"dataWindow", b"displayWindow", b"lineOrder"}
    for (name, kind), value in found.items():
        if name not in known and _EXR_PLAIN.get((name, kind)) != value:
            raise NotThisContainer(f"its attribute {name!r} is none that honest pictures have")


def _attributes(head: bytes) -> tuple[dict[tuple[bytes, bytes], bytes], int]:
    """By name and type, and where the header ends."""
    found: dict[tuple[bytes, bytes], bytes] = {}
    names: set[bytes] = set()
    at = 8
    while True:
        name, at = _text(head, at)
        if not name:
            return found, at
        kind, at = _text(head, at)
        size = int.from_bytes(head[at : at + 4], "little", signed=True)
        value = head[at + 4 : at + 4 + size] if size >= 0 else b""
        if size < 0 or len(value) != size:
            raise NotThisContainer("its header ends early")
        if name in names:
            raise NotThisContainer(f"its attribute {name!r} is there twice")
        names.add(name)
        found[name, kind] = value
        at += 4 + size


def _channels(value: bytes) -> Iterator[tuple[bytes, tuple[int, int, int]]]:
    """(name, (pixel type, x sampling, y sampling)) in the file's order."""
    at = 0
    while True:
        name, at = _text(value, at)
        if not name:
            return
        kind, _, _, _, _, x, y = struct.unpack_from("<iBBBBii", value, at)
        yield name, (kind, x, y)
        at += 16


def _text(data: bytes, at: int) -> tuple[bytes, int]:
    end = data.find(b"\0", at, at + 32)
    if end < 0:
        raise NotThisContainer("its header has a name without an end")
    return data[at:end], end + 1
