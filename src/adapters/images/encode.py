"""Our own pixels into files: without loss or metadata, equal pixels to equal bytes."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from ...ports.images import CHANNEL_NAMES, Pixels
from .headers import PNG_COLOUR_TYPES, PNG_SIGNATURE


def write_png(pixels: Pixels, path: Path) -> None:
    new = path.with_name(f".{path.name}.new")
    if pixels.dtype == np.uint8:
        Image.fromarray(pixels).save(new, format="PNG", compress_level=6)
    elif pixels.dtype == np.uint16:
        new.write_bytes(_png16(pixels))
    else:
        raise ValueError(f"no PNG holds {pixels.dtype}")
    os.replace(new, path)


def write_exr(pixels: Pixels, path: Path) -> None:
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
