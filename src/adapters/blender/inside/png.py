"""Runs inside Blender: a PNG reduced to its pixels, standard library only.

What Blender writes beside the pixels (dates, times, file names) differs between identical
renders and may tell more than its author wants; only IHDR, IDAT and IEND are kept.
"""

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}


def _chunks(data):
    at = len(SIGNATURE)
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        at += 12 + length


def _chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _unfiltered(raw, row_bytes, step):
    """The scanlines of a non-interlaced picture without their filters (PNG specification, 9)."""
    above = bytearray(row_bytes)
    for start in range(0, len(raw), row_bytes + 1):
        kind = raw[start]
        line = bytearray(raw[start + 1 : start + 1 + row_bytes])
        if kind == 1:
            for i in range(step, row_bytes):
                line[i] = (line[i] + line[i - step]) & 255
        elif kind == 2:
            for i in range(row_bytes):
                line[i] = (line[i] + above[i]) & 255
        elif kind == 3:
            for i in range(row_bytes):
                left = line[i - step] if i >= step else 0
                line[i] = (line[i] + (left + above[i]) // 2) & 255
        elif kind == 4:
            for i in range(row_bytes):
                left = line[i - step] if i >= step else 0
                corner = above[i - step] if i >= step else 0
                a, b, c = abs(above[i] - corner), abs(left - corner), abs(left + above[i] - 2 * corner)
                near = left if a <= b and a <= c else above[i] if b <= c else corner
                line[i] = (line[i] + near) & 255
        yield line
        above = line


def reduce_to_pixels(path, crop=None):
    """Rewrites the file with nothing but pixels; ``crop`` is (x0, y0, x1, y1) or None for all."""
    with open(path, "rb") as file:
        data = file.read()
    header, parts = b"", []
    for name, body in _chunks(data):
        if name == b"IHDR":
            header = body
        elif name == b"IDAT":
            parts.append(body)
    packed = b"".join(parts)
    width, height, depth, colour, method, filters, interlace = struct.unpack(">IIBBBBB", header)
    if crop is not None and tuple(crop) != (0, 0, width, height):
        x0, y0, x1, y1 = crop
        step = _CHANNELS[colour] * depth // 8
        lines = []
        for y, line in enumerate(_unfiltered(zlib.decompress(packed), width * step, step)):
            if y >= y1:
                break
            if y >= y0:
                lines.append(b"\0" + bytes(line[x0 * step : x1 * step]))
        packed = zlib.compress(b"".join(lines), 6)
        header = struct.pack(">IIBBBBB", x1 - x0, y1 - y0, depth, colour, method, filters, interlace)
    with open(path, "wb") as file:
        file.write(SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b""))
