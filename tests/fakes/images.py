"""Pictures decoded in this very process: what a hostile file can do is ChildDecoder's own suite."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from tileproof.adapters.images import ChildDecoder
from tileproof.adapters.images.headers import HEADER_BYTES, NotThisContainer, exr_body, facts, wanted
from tileproof.domain.errors import EvidenceError
from tileproof.ports.images import CHANNEL_NAMES, ImageFormat, Pixels


class FakeDecoder:
    """Writes as the real one does. Meant for small pictures."""

    def decode(self, path: Path, expected: ImageFormat) -> Pixels:
        if path.is_symlink() or not path.is_file():
            raise EvidenceError("image.missing", f"there is no picture {path.name}", path=path)
        data = path.read_bytes()
        try:
            found = facts(data[:HEADER_BYTES], expected)
        except NotThisContainer as error:
            raise _undecodable(path) from error
        if found != wanted(expected):
            raise EvidenceError(
                "image.wrong_format",
                f"{path.name} has {found}",
                path=path,
                found=found,
                expected=wanted(expected),
            )
        try:
            return _exr(path, data, expected) if expected.container == "EXR" else _png(data, expected)
        except (ValueError, KeyError, IndexError, struct.error, zlib.error) as error:
            raise _undecodable(path) from error

    def encode_png(self, pixels: Pixels, path: Path) -> None:
        ChildDecoder().encode_png(pixels, path)

    def encode_exr(self, pixels: Pixels, path: Path) -> None:
        ChildDecoder().encode_exr(pixels, path)


def _undecodable(path: Path) -> EvidenceError:
    return EvidenceError("image.undecodable", f"{path.name} cannot be decoded", path=path)


def _png(data: bytes, expected: ImageFormat) -> Pixels:
    at, packed, name = 8, b"", b""
    while name != b"IEND":
        (length,) = struct.unpack(">I", data[at : at + 4])
        name, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        if data[at + 8 + length : at + 12 + length] != struct.pack(">I", zlib.crc32(name + body)):
            raise ValueError("a damaged chunk")
        if name not in (b"IHDR", b"IDAT", b"IEND"):
            raise ValueError("more than pixels")
        packed += body if name == b"IDAT" else b""
        at += 12 + length
    step = expected.channels * expected.depth // 8
    size = expected.width * step
    raw = zlib.decompress(packed)
    if len(raw) != expected.height * (size + 1) or at != len(data):
        raise ValueError("not as many bytes as the header says")
    above: Pixels = np.zeros(size, np.uint8)
    rows = []
    for y in range(expected.height):
        line = np.frombuffer(raw, np.uint8, size, y * (size + 1) + 1)
        above = _unfiltered(raw[y * (size + 1)], line, above, step)
        rows.append(above)
    kind = np.dtype(np.uint8) if expected.depth == 8 else np.dtype(">u2")
    pixels = np.concatenate(rows).view(kind).reshape(expected.height, expected.width, expected.channels)
    return pixels.astype(np.uint8) if expected.depth == 8 else pixels.astype(np.uint16)


def _unfiltered(kind: int, line: Pixels, above: Pixels, step: int) -> Pixels:
    """PNG specification (third edition), 9.2."""
    if kind == 0:
        return line.astype(np.uint8)
    if kind == 2:
        return (line + above).astype(np.uint8)
    if kind == 1:
        return np.cumsum(line.reshape(-1, step), axis=0, dtype=np.uint8).reshape(-1)
    if kind not in (3, 4):
        raise ValueError("no such filter")
    up = [0] * step + [int(value) for value in above]
    row = [0] * step
    for at, value in enumerate(line, start=step):
        left, over, corner = row[at - step], up[at], up[at - step]
        estimate = left + over - corner
        nearest = min((left, over, corner), key=lambda each: abs(estimate - each))
        row.append((int(value) + ((left + over) // 2 if kind == 3 else nearest)) & 255)
    return np.array(row[step:], np.uint8)


def _exr(path: Path, data: bytes, expected: ImageFormat) -> Pixels:
    import OpenEXR

    body, compression = exr_body(data)
    chunks = -(-expected.height // (16 if compression == 3 else 1))
    (last,) = struct.unpack_from("<Q", data, body + 8 * (chunks - 1))
    (size,) = struct.unpack_from("<i", data, last + 4)
    if last + 8 + size != len(data):
        raise ValueError("bytes behind the end, or none before")
    try:
        with OpenEXR.File(str(path), separate_channels=True) as file:
            found = file.channels()
            planes = [found[name].pixels for name in CHANNEL_NAMES[expected.channels]]
            pixels: Pixels = np.stack(planes, axis=2)
            return pixels
    except RuntimeError as error:
        raise ValueError("OpenEXR cannot read it") from error
