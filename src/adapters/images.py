"""The ImageDecoder port: headers are read here, pixels in a child that cannot hurt us."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from ..domain.errors import EvidenceError
from ..ports.images import ImageFormat, Pixels

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {3: 2, 4: 6}
_CHILD = Path(__file__).parent / "images_child.py"
DECODE_SECONDS = 180
_ENV = {"OPENBLAS_NUM_THREADS": "1", "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}


class ChildDecoder:
    """Decodes each file in a child of its own, limited in memory, processor and wall time."""

    def decode(self, path: Path, expected: ImageFormat) -> Pixels:
        if expected.container != "PNG" or expected.depth not in (8, 16) or expected.channels not in (3, 4):
            raise ValueError(f"only RGB and RGBA PNG of 8 or 16 bits are decoded, not {expected}")
        _check_header(path, expected)
        size = expected.width * expected.height * expected.channels * expected.depth // 8
        shape = (str(n) for n in (expected.width, expected.height, expected.channels, expected.depth))
        try:
            done = subprocess.run(
                [sys.executable, "-I", str(_CHILD), str(path.absolute()), *shape],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env=_ENV,
                timeout=DECODE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise _undecodable(path, f"decoding took more than {DECODE_SECONDS} s") from error
        if done.returncode != 0 or len(done.stdout) != size:
            raise _undecodable(path, "its pixels cannot be decoded within the limits")
        shape_px = (expected.height, expected.width, expected.channels)
        if expected.depth == 8:
            return np.frombuffer(done.stdout, np.uint8).reshape(shape_px)
        return np.frombuffer(done.stdout, np.dtype(">u2")).reshape(shape_px).astype(np.uint16)

    def encode_png(self, pixels: Pixels, path: Path) -> None:
        new = path.with_name(f".{path.name}.new")
        if pixels.dtype == np.uint8:
            Image.fromarray(pixels).save(new, format="PNG", compress_level=6)
        elif pixels.dtype == np.uint16:
            new.write_bytes(_png16(pixels))
        else:
            raise ValueError(f"no PNG holds {pixels.dtype}")
        os.replace(new, path)


def _check_header(path: Path, expected: ImageFormat) -> None:
    if path.is_symlink() or not path.is_file():
        raise EvidenceError("image.missing", f"there is no picture {path.name}", path=path)
    with path.open("rb") as file:
        head = file.read(33)
    if len(head) < 33 or head[:8] != _SIGNATURE or head[8:16] != b"\0\0\0\rIHDR":
        raise _undecodable(path, "it is not a PNG")
    width, height, depth, colour, method, filters, interlace = struct.unpack(">IIBBBBB", head[16:29])
    found = (width, height, depth, colour)
    wanted = (expected.width, expected.height, expected.depth, _COLOUR_TYPES[expected.channels])
    if found != wanted or (method, filters, interlace) != (0, 0, 0):
        raise EvidenceError(
            "image.wrong_format",
            f"{path.name} is {width}x{height}, {depth} bits, colour type {colour}; "
            f"expected {wanted[0]}x{wanted[1]}, {wanted[2]} bits, colour type {wanted[3]}, not interlaced",
            path=path,
            found=found,
            expected=wanted,
        )


def _undecodable(path: Path, why: str) -> EvidenceError:
    return EvidenceError("image.undecodable", f"{path.name}: {why}", path=path)


def _png16(pixels: Pixels) -> bytes:
    height, width, channels = pixels.shape
    rows = np.ascontiguousarray(pixels.astype(">u2")).view(np.uint8).reshape(height, -1)
    raw = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 16, _COLOUR_TYPES[channels], 0, 0, 0)

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    return _SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw, 6)) + chunk(b"IEND", b"")
