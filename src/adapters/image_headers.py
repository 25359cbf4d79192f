"""What a picture's first bytes say, read by us before any library sees the file.

Only what a job can ask for is let through: one PNG without interlacing, or one EXR of scanlines
with 32-bit floats and a lossless compression. PNG specification (third edition), 11.2.1;
OpenEXR file layout.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from ..ports.images import ImageFormat

HEADER_BYTES = 1 << 16
"""Enough of the file for either header; a longer EXR header is refused."""
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_COLOUR_TYPES = {3: 2, 4: 6}
_EXR_MAGIC = struct.pack("<I", 20000630)
_EXR_SCANLINES = 2  # version 2, and none of the flags: tiles, long names, deep data, several parts
_EXR_LOSSLESS = {0: "none", 1: "RLE", 2: "ZIPS", 3: "ZIP", 4: "PIZ"}
_EXR_FLOAT = 2
_NAMES = {3: (b"B", b"G", b"R"), 4: (b"A", b"B", b"G", b"R")}


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
    return size | {"channels": " ".join(name.decode() for name in _NAMES[expected.channels])}


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
    found: dict[tuple[bytes, bytes], bytes] = {}
    for name, kind, value in _attributes(head):
        if any(name == other for other, _ in found):
            raise NotThisContainer(f"its attribute {name!r} is there twice")
        found[name, kind] = value
    try:
        window = struct.unpack("<4i", found[b"dataWindow", b"box2i"])
        shown = struct.unpack("<4i", found[b"displayWindow", b"box2i"])
        (compression,) = struct.unpack("<B", found[b"compression", b"compression"])
        (order,) = struct.unpack("<B", found[b"lineOrder", b"lineOrder"])
        channels = list(_channels(found[b"channels", b"chlist"]))
    except (KeyError, struct.error) as error:
        raise NotThisContainer(f"its header lacks or garbles {error}") from error
    if window != shown or window[:2] != (0, 0) or order != 0 or compression not in _EXR_LOSSLESS:
        raise NotThisContainer("its window, line order or compression is not one that is accepted")
    if any(kind != (_EXR_FLOAT, 1, 1) for _, kind in channels):
        raise NotThisContainer("its channels are not all 32-bit floats at full resolution")
    return {
        "width": window[2] + 1,
        "height": window[3] + 1,
        "depth": 32,
        "channels": " ".join(name.decode("ascii", "replace") for name, _ in channels),
    }


def _attributes(head: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    at = 8
    while True:
        name, at = _text(head, at)
        if not name:
            return
        kind, at = _text(head, at)
        size = int.from_bytes(head[at : at + 4], "little", signed=True)
        value = head[at + 4 : at + 4 + size] if size >= 0 else b""
        if size < 0 or len(value) != size:
            raise NotThisContainer("its header ends early")
        yield name, kind, value
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
