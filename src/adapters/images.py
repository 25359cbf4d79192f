"""The ImageDecoder port: headers are read here, pixels in a child that cannot hurt us."""

from __future__ import annotations

import os
import select
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from ..domain.errors import EvidenceError
from ..ports.images import CHANNEL_NAMES, ImageFormat, Pixels
from .image_headers import (
    HEADER_BYTES,
    PNG_COLOUR_TYPES,
    PNG_SIGNATURE,
    NotThisContainer,
    exr_body,
    facts,
    wanted,
)

_CHILD = Path(__file__).parent / "images_child.py"
DECODE_SECONDS = 180
_ENV = {"OPENBLAS_NUM_THREADS": "1", "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
_DEPTHS = {"PNG": (8, 16), "EXR": (16, 32)}


class ChildDecoder:
    """Decodes each file in a child of its own, limited in memory, processor and wall time, without
    environment or descriptors of ours, and, where the kernel has Landlock, without files."""

    def decode(self, path: Path, expected: ImageFormat) -> Pixels:
        channels = CHANNEL_NAMES if expected.container == "EXR" else (3, 4)
        if expected.depth not in _DEPTHS.get(expected.container, ()) or expected.channels not in channels:
            raise ValueError(f"no job has pictures like {expected}")
        head = _checked_header(path, expected)
        size = expected.width * expected.height * expected.channels * expected.depth // 8
        if path.stat().st_size > 2 * size + HEADER_BYTES:
            raise _undecodable(path, "it is far larger than its pixels")
        body = exr_body(head) if expected.container == "EXR" else ()
        return _as_pixels(_decoded_by_child(path, expected, size, body), expected)

    def encode_png(self, pixels: Pixels, path: Path) -> None:
        new = path.with_name(f".{path.name}.new")
        if pixels.dtype == np.uint8:
            Image.fromarray(pixels).save(new, format="PNG", compress_level=6)
        elif pixels.dtype == np.uint16:
            new.write_bytes(_png16(pixels))
        else:
            raise ValueError(f"no PNG holds {pixels.dtype}")
        os.replace(new, path)

    def encode_exr(self, pixels: Pixels, path: Path) -> None:
        import OpenEXR  # here, since roles that only read pictures need not wait for it

        if pixels.dtype not in (np.float16, np.float32) or pixels.shape[2] not in CHANNEL_NAMES:
            raise ValueError(f"no EXR of ours holds {pixels.shape[2]} channels of {pixels.dtype}")
        new = path.with_name(f".{path.name}.new")
        names = CHANNEL_NAMES[pixels.shape[2]]
        planes = {name: np.ascontiguousarray(pixels[..., at]) for at, name in enumerate(names)}
        # On noisy half passes PIZ is no smaller than ZIP, and only a library could undo it.
        header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
        OpenEXR.File(header, planes).write(str(new))
        os.replace(new, path)


def _checked_header(path: Path, expected: ImageFormat) -> bytes:
    if path.is_symlink() or not path.is_file():
        raise EvidenceError("image.missing", f"there is no picture {path.name}", path=path)
    with path.open("rb") as file:
        head = file.read(HEADER_BYTES)
    try:
        found = facts(head, expected)
    except NotThisContainer as error:
        raise _undecodable(path, str(error)) from error
    if found != wanted(expected):
        raise EvidenceError(
            "image.wrong_format",
            f"{path.name} has {_in_words(found)}; expected {_in_words(wanted(expected))}",
            path=path,
            found=found,
            expected=wanted(expected),
        )
    return head


def _in_words(values: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _decoded_by_child(path: Path, expected: ImageFormat, size: int, body: tuple[int, ...]) -> bytes:
    """Exactly ``size`` bytes, whatever the child does."""
    numbers = (expected.width, expected.height, expected.channels, expected.depth, *body)
    shape = (str(number) for number in numbers)
    deadline = time.monotonic() + DECODE_SECONDS
    child = subprocess.Popen(
        [sys.executable, "-I", str(_CHILD), str(path.absolute()), *shape],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_ENV,
        start_new_session=True,
    )
    with child:
        try:
            data = _read(child, size, deadline)
            status = child.wait(max(0.0, deadline - time.monotonic())) if data is not None else None
        except subprocess.TimeoutExpired:
            data = None
        finally:
            child.kill()
    if data is None or status != 0:
        raise _undecodable(path, "its pixels cannot be decoded within the limits")
    return data


def _read(child: subprocess.Popen[bytes], size: int, deadline: float) -> bytes | None:
    """All that the child writes, None when it is not ``size`` bytes or takes too long."""
    assert child.stdout is not None
    data = bytearray()
    while len(data) <= size:
        readable, _, _ = select.select([child.stdout], [], [], max(0.0, deadline - time.monotonic()))
        if not readable:
            return None
        piece = os.read(child.stdout.fileno(), 1 << 20)
        if not piece:
            return bytes(data) if len(data) == size else None
        data += piece
    return None


def _as_pixels(data: bytes, expected: ImageFormat) -> Pixels:
    shape = (expected.height, expected.width, expected.channels)
    if expected.container == "EXR":
        kind = np.dtype("<f2" if expected.depth == 16 else "<f4")
        names = CHANNEL_NAMES[expected.channels]
        order = [sorted(names).index(name) for name in names]
        return np.frombuffer(data, kind).reshape(shape)[..., order].astype(kind.newbyteorder("="), copy=False)
    if expected.depth == 8:
        return np.frombuffer(data, np.uint8).reshape(shape)
    high, low = np.frombuffer(data, np.uint8).reshape(2, *shape)
    return np.stack([low, high], axis=-1).view("<u2")[..., 0].astype(np.uint16, copy=False)


def _undecodable(path: Path, why: str) -> EvidenceError:
    return EvidenceError("image.undecodable", f"{path.name}: {why}", path=path)


def _png16(pixels: Pixels) -> bytes:
    """Pillow has no 16-bit colour, so these few bytes are put together here, unfiltered."""
    height, width, channels = pixels.shape
    rows = np.ascontiguousarray(pixels.astype(">u2")).view(np.uint8).reshape(height, -1)
    raw = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 16, PNG_COLOUR_TYPES[channels], 0, 0, 0)

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    return (
        PNG_SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw, 6)) + chunk(b"IEND", b"")
    )
