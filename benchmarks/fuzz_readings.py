"""What accepted files hold by readers that have nothing of the decoder's: one JSON line for each.

    python -m benchmarks.fuzz_readings FILE...

A PNG is read twice: by the specification, every byte of the file accounted for, and, of 8 bits, by
Pillow as anybody opens a file. An EXR is read by the OpenEXR library, and its parts, put together
again, have to be the file. ``digest`` is SHA-256 over the pixels' bytes in the order of ``Pixels``;
``stock`` is what the library says, ``why`` why there is none.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import struct
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.fuzz_files import EXR_NAMES, PNG_SIGNATURE, exr_parts, png_chunks, png_file, png_predicted


def main() -> int:
    for name in sys.argv[1:]:
        path = Path(name)
        said: dict[str, str] = {"name": path.name}
        try:
            said |= png_reading(path) if path.suffix == ".png" else exr_reading(path)
        except (ValueError, KeyError, IndexError, OSError, RuntimeError, struct.error, zlib.error) as error:
            said["why"] = f"{type(error).__name__}: {error}"[:200]
        print(json.dumps(said), flush=True)
    return 0


def png_reading(path: Path) -> dict[str, str]:
    data = path.read_bytes()
    parts = png_chunks(data)
    if data[:8] != PNG_SIGNATURE or png_file(parts) != data:
        raise ValueError("bytes that belong to no chunk, or a checksum that is wrong")
    names = [name for name, _ in parts]
    if names != [b"IHDR", *[b"IDAT"] * (len(names) - 2), b"IEND"] or parts[-1][1]:
        raise ValueError(f"other chunks than a plain picture's: {names[:20]}")
    width, height, depth, colour, *methods = struct.unpack(">IIBBBBB", parts[0][1])
    if methods != [0, 0, 0] or depth not in (8, 16):
        raise ValueError("another kind of PNG")
    step = {2: 3, 6: 4}[colour] * depth // 8
    unpack = zlib.decompressobj()
    raw = unpack.decompress(b"".join(body for _, body in parts[1:-1]))
    if len(raw) != height * (width * step + 1) or not unpack.eof or unpack.unused_data:
        raise ValueError("another number of bytes than the header says")
    pixels = png_unfiltered(raw, width * step, step)
    if depth == 16:
        pixels = np.frombuffer(pixels, ">u2").astype("<u2").tobytes()
    said = {"digest": hashlib.sha256(pixels).hexdigest()}
    if depth == 8:
        from PIL import Image

        with Image.open(path) as image:
            said["stock"] = hashlib.sha256(np.asarray(image).tobytes()).hexdigest()
    return said


def png_unfiltered(raw: bytes, size: int, step: int) -> bytes:
    above, rows = bytes(size), bytearray()
    for at in range(0, len(raw), size + 1):
        kind, line = raw[at], bytearray(raw[at + 1 : at + 1 + size])
        if kind > 4:
            raise ValueError(f"no filter {kind}")
        for i in range(size):
            left, corner = (line[i - step], above[i - step]) if i >= step else (0, 0)
            line[i] = (line[i] + png_predicted(kind, left, above[i], corner)) & 255
        above = bytes(line)
        rows += above
    return bytes(rows)


def exr_reading(path: Path) -> dict[str, str]:
    import OpenEXR

    if exr_parts(path.read_bytes()).file() != path.read_bytes():
        raise ValueError("bytes that belong to no part")
    with no_word_said(), OpenEXR.File(str(path), separate_channels=True) as file:
        found = {name: channel.pixels for name, channel in file.channels().items()}
    names = EXR_NAMES[len(found)]
    pixels = np.stack([found[name] for name in names], axis=2)
    digest = hashlib.sha256(pixels.astype(pixels.dtype.newbyteorder("<"), copy=False).tobytes()).hexdigest()
    return {"digest": digest, "stock": digest}


@contextmanager
def no_word_said() -> Iterator[None]:
    """The OpenEXR library warns on standard output of what it cannot read, and gives what it has.

    Raises ValueError with the warning.
    """
    ours = os.dup(1)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 1)
        try:
            yield
        finally:
            ctypes.CDLL(None).fflush(None)
            os.dup2(ours, 1)
            os.close(ours)
        said.seek(0)
        if words := said.read():
            raise ValueError(words.decode(errors="replace"))


if __name__ == "__main__":
    sys.exit(main())
