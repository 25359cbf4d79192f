"""Decodes one PNG to raw pixels on standard output, within limits it sets itself first.

Usage: images_child.py PATH WIDTH HEIGHT CHANNELS DEPTH. Started, never imported. Anything that is not
exactly the picture asked for ends it with status 3 and nothing else that counts.
"""

import resource
import sys
import zlib

WORKING_BYTES = 768 << 20
CPU_SECONDS = 120


def limit(pixel_bytes):
    memory = WORKING_BYTES + 4 * pixel_bytes
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def eight_bit(path, width, height, channels):
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # the header has been checked against what is expected
    with Image.open(path, formats=["PNG"]) as image:
        if image.size != (width, height) or image.mode != ("RGBA" if channels == 4 else "RGB"):
            raise ValueError("another size or mode")
        image.load()
        return image.tobytes()


def sixteen_bit(path, width, height, channels):
    """Pillow reduces 16-bit colour to 8, so these scanlines are unfiltered here, with numpy
    (PNG specification, 9)."""
    import numpy as np

    with open(path, "rb") as file:
        data = file.read()
    parts, at = [], 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        name, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        if zlib.crc32(name + body) != int.from_bytes(data[at + 8 + length : at + 12 + length], "big"):
            raise ValueError("a damaged chunk")
        if name == b"IDAT":
            parts.append(body)
        at += 12 + length
    row_bytes, step = width * channels * 2, channels * 2
    size = (row_bytes + 1) * height
    unpack = zlib.decompressobj()
    raw = unpack.decompress(b"".join(parts), size + 1)
    if len(raw) != size:
        raise ValueError("not as many pixels as the header says")
    lines = np.frombuffer(raw, np.uint8).reshape(height, row_bytes + 1)
    out = np.zeros((height + 1, row_bytes), np.uint8)
    for y in range(height):
        out[y + 1] = unfiltered(int(lines[y, 0]), lines[y, 1:], out[y], step, np)
    return out[1:].tobytes()


def unfiltered(kind, line, above, step, np):
    if kind == 0:
        return line
    if kind == 1:
        columns = line.reshape(-1, step).astype(np.uint32)
        return np.cumsum(columns, axis=0).astype(np.uint8).reshape(-1)
    if kind == 2:
        return line + above
    if kind not in (3, 4):
        raise ValueError("an unknown filter")
    now, up = line.tolist(), above.tolist()
    for i in range(len(now)):
        left = now[i - step] if i >= step else 0
        if kind == 3:
            near = (left + up[i]) // 2
        else:
            corner = up[i - step] if i >= step else 0
            a, b, c = abs(up[i] - corner), abs(left - corner), abs(left + up[i] - 2 * corner)
            near = left if a <= b and a <= c else up[i] if b <= c else corner
        now[i] = (now[i] + near) & 255
    return np.array(now, np.uint8)


def main():
    path = sys.argv[1]
    width, height, channels, depth = (int(text) for text in sys.argv[2:6])
    limit(width * height * channels * depth // 8)
    decode = eight_bit if depth == 8 else sixteen_bit
    try:
        pixels = decode(path, width, height, channels)
    except BaseException:  # noqa: BLE001  # out of memory included: the parent only sees the status
        sys.exit(3)
    sys.stdout.buffer.write(pixels)


main()
