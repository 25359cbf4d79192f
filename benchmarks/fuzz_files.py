"""PNGs and EXRs taken apart and put together again, straight from their specifications.

Nothing here is shared with the decoder: PNG specification (third edition) 5 and 9, OpenEXR file layout.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, replace

import numpy as np
from tileproof.ports.images import Pixels

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
EXR_MAGIC = struct.pack("<II", 20000630, 2)
EXR_NAMES = {
    3: ["R", "G", "B"],
    4: ["R", "G", "B", "A"],
    9: ["R", "G", "B", "Albedo.R", "Albedo.G", "Albedo.B", "Normal.X", "Normal.Y", "Normal.Z"],
    10: ["R", "G", "B", "A", "Albedo.R", "Albedo.G", "Albedo.B", "Normal.X", "Normal.Y", "Normal.Z"],
}
NONE, ZIPS, ZIP = 0, 2, 3
EXR_LINES = {NONE: 1, ZIPS: 1, ZIP: 16}

Chunk = tuple[bytes, bytes]  # of a PNG: name and body
Attribute = tuple[bytes, bytes, bytes]  # of an EXR: name, type, value


def png_chunks(data: bytes) -> list[Chunk]:
    """Believing every length and no checksum."""
    at, found = 8, []
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        found.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_file(chunks: list[Chunk]) -> bytes:
    return PNG_SIGNATURE + b"".join(png_chunk(*each) for each in chunks)


def png_scanlines(pixels: Pixels, filters: list[int]) -> bytes:
    """Each row behind its filter."""
    height, width, channels = pixels.shape
    step = channels * pixels.itemsize
    rows = pixels.astype(pixels.dtype.newbyteorder(">")).tobytes()
    size = width * step
    above, raw = bytes(size), bytearray()
    for y in range(height):
        line = rows[y * size : (y + 1) * size]
        raw.append(filters[y])
        for i in range(size):
            left, corner = (line[i - step], above[i - step]) if i >= step else (0, 0)
            raw.append((line[i] - png_predicted(filters[y], left, above[i], corner)) & 255)
        above = line
    return bytes(raw)


def png_predicted(kind: int, left: int, up: int, corner: int) -> int:
    estimate = left + up - corner
    nearest = min((left, up, corner), key=lambda value: abs(estimate - value))
    return (0, left, up, (left + up) // 2, nearest)[kind]


def png_header(pixels: Pixels) -> bytes:
    height, width, channels = pixels.shape
    return struct.pack(">IIBBBBB", width, height, 8 * pixels.itemsize, {3: 2, 4: 6}[channels], 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Exr:
    """A file's parts; ``offsets`` None means those that are right."""

    attributes: list[Attribute]
    chunks: list[tuple[int, bytes]]  # first scanline, bytes as stored
    version: bytes = EXR_MAGIC
    offsets: list[int] | None = None

    def right_offsets(self) -> list[int]:
        at, found = len(self._header()) + 8 * len(self.chunks), []
        for _, stored in self.chunks:
            found.append(at)
            at += 8 + len(stored)
        return found

    def file(self) -> bytes:
        offsets = self.right_offsets() if self.offsets is None else self.offsets
        table = struct.pack(f"<{len(offsets)}Q", *offsets)
        stored = (struct.pack("<ii", first, len(data)) + data for first, data in self.chunks)
        return self._header() + table + b"".join(stored)

    def with_value(self, name: bytes, value: bytes) -> Exr:
        changed = [(own, kind, value if own == name else old) for own, kind, old in self.attributes]
        return replace(self, attributes=changed)

    def _header(self) -> bytes:
        listed = (n + b"\0" + k + b"\0" + struct.pack("<i", len(v)) + v for n, k, v in self.attributes)
        return self.version + b"".join(listed) + b"\0"


def exr_of(pixels: Pixels, compression: int, level: int = 6) -> Exr:
    height, width, channels = pixels.shape
    names, kind = sorted(EXR_NAMES[channels]), {2: 1, 4: 2}[pixels.itemsize]
    listed = b"".join(name.encode() + struct.pack("<BiIii", 0, kind, 0, 1, 1) for name in names)
    window = struct.pack("<4i", 0, 0, width - 1, height - 1)
    attributes = [
        (b"channels", b"chlist", listed + b"\0"),
        (b"compression", b"compression", bytes([compression])),
        (b"dataWindow", b"box2i", window),
        (b"displayWindow", b"box2i", window),
        (b"lineOrder", b"lineOrder", b"\0"),
        (b"pixelAspectRatio", b"float", struct.pack("<f", 1)),
        (b"screenWindowCenter", b"v2f", bytes(8)),
        (b"screenWindowWidth", b"float", struct.pack("<f", 1)),
    ]
    raws = exr_raws(pixels, EXR_LINES[compression])
    stored = [raw if compression == NONE else exr_zipped(raw, level) for raw in raws]
    return Exr(attributes, [(at * EXR_LINES[compression], data) for at, data in enumerate(stored)])


def exr_raws(pixels: Pixels, lines: int) -> list[bytes]:
    """What chunks hold before they are compressed: rows of planes, by the alphabet."""
    order = [EXR_NAMES[pixels.shape[2]].index(name) for name in sorted(EXR_NAMES[pixels.shape[2]])]
    planes = np.ascontiguousarray(pixels[..., order].transpose(0, 2, 1))
    return [planes[y : y + lines].tobytes() for y in range(0, len(planes), lines)]


def exr_zipped(raw: bytes, level: int = 6) -> bytes:
    packed = zlib.compress(exr_steps(raw), level)
    return packed if len(packed) < len(raw) else raw


def exr_steps(raw: bytes) -> bytes:
    """What is deflated: each byte's step from the one before, of the even ones and then the odd."""
    halves = np.frombuffer(raw[::2] + raw[1::2], np.uint8)
    steps = halves.copy()
    steps[1:] -= halves[:-1]
    steps[1:] += 128
    return steps.tobytes()


def exr_parts(data: bytes) -> Exr:
    """A file of ours taken apart. Raises ValueError, KeyError or struct.error where it is none."""
    at, attributes = 8, []
    while data[at : at + 1] != b"\0":
        name_end = data.index(b"\0", at)
        kind_end = data.index(b"\0", name_end + 1)
        (size,) = struct.unpack_from("<i", data, kind_end + 1)
        value = data[kind_end + 5 : kind_end + 5 + size]
        attributes.append((data[at:name_end], data[name_end + 1 : kind_end], value))
        at = kind_end + 5 + size
    at += 1
    values = {name: value for name, _, value in attributes}
    _, _, _, last = struct.unpack("<4i", values[b"dataWindow"])
    lines = EXR_LINES[values[b"compression"][0]]
    count = (last + lines) // lines
    offsets = list(struct.unpack_from(f"<{count}Q", data, at))
    at += 8 * count
    chunks = []
    for _ in range(count):
        first, size = struct.unpack_from("<ii", data, at)
        chunks.append((first, data[at + 8 : at + 8 + size]))
        at += 8 + size
    return Exr(attributes, chunks, data[:8], offsets)
