"""Runs inside Blender: EXRs taken apart and put together, with Blender's own numpy.

Only what is needed of OpenEXR's file layout: one part, scanlines, no compression or ZIP. A render's
channels are picked and cropped, and stored passes are split for Blender's compositor, which wants a
picture each.
"""

import struct
import zlib

import numpy

MAGIC = struct.pack("<II", 20000630, 2)
LONG_NAMES = 0x400
HALF = 1
MOST = 65504.0
ROWS = {b"\0": 1, b"\3": 16}
"""In a block, by compression: none, ZIP."""
TYPES = {0: "<u4", HALF: "<f2", 2: "<f4"}


def read(path):
    """Channels by name, each rows x columns, row 0 on top; not compressed, or with ZIP.

    Raises ValueError for any other kind of EXR.
    """
    with open(path, "rb") as file:
        data = file.read()
    header, at = _header(data)
    rows = ROWS.get(header[b"compression"])
    if rows is None:
        raise ValueError("an EXR with another compression than ZIP")
    x0, y0, x1, y1 = struct.unpack("<4i", header[b"dataWindow"])
    width, height = x1 - x0 + 1, y1 - y0 + 1
    values = [(name, TYPES[kind], width) for name, kind in _channels(header[b"channels"])]
    line = numpy.dtype(values)
    at += 8 * -(-height // rows)
    pieces = []
    for y in range(y0, y1 + 1, rows):
        found, size = struct.unpack_from("<ii", data, at)
        if found != y:
            raise ValueError("scanlines in another order")
        piece, raw = data[at + 8 : at + 8 + size], line.itemsize * min(rows, y1 + 1 - y)
        pieces.append(piece if size == raw else _unzipped(piece, raw))
        at += 8 + size
    lines = numpy.frombuffer(b"".join(pieces), line, height)
    return {name: numpy.ascontiguousarray(lines[name]) for name, _, _ in values}


def _unzipped(piece, size):
    """OpenEXR's ZIP: bytes as differences to the one before, the even ones first, then the odd ones."""
    steps = numpy.frombuffer(zlib.decompress(piece), numpy.uint8).astype(numpy.int64)
    if len(steps) != size:
        raise ValueError("a block of another size")
    steps[1:] -= 128
    ordered = (numpy.cumsum(steps) & 255).astype(numpy.uint8)
    plain = numpy.empty(size, numpy.uint8)
    plain[0::2], plain[1::2] = ordered[: (size + 1) // 2], ordered[(size + 1) // 2 :]
    return plain.tobytes()


def reduce_to_passes(path, crop, wanted):
    """Rewrites what Blender wrote with the passes alone, as half floats; ``crop`` is (x0, y0, x1, y1).

    Half floats end at 65504: what is brighter stays at that.
    """
    x0, y0, x1, y1 = crop
    combined = "RGBA" if wanted["channels"] == 4 else "RGB"
    kept = {letter: "Combined." + letter for letter in combined}
    if wanted["denoise"]:
        kept.update({"Albedo." + letter: "Denoising Albedo." + letter for letter in "RGB"})
        kept.update({"Normal." + letter: "Denoising Normal." + letter for letter in "XYZ"})
    start = wanted["view_layer"] + "."
    found = {name.removeprefix(start): values for name, values in read(path).items()}
    write(
        path,
        {name: numpy.clip(found[own][y0:y1, x0:x1], -MOST, MOST).astype("<f2") for name, own in kept.items()},
    )


def write(path, channels):
    """``channels``: rows x columns of half floats by name, all of one size."""
    names = sorted(channels)
    height, width = channels[names[0]].shape
    window = struct.pack("<4i", 0, 0, width - 1, height - 1)
    listed = b"".join(name.encode() + b"\0" + struct.pack("<iIii", HALF, 0, 1, 1) for name in names)
    attributes = (
        ("channels", "chlist", listed + b"\0"),
        ("compression", "compression", b"\0"),
        ("dataWindow", "box2i", window),
        ("displayWindow", "box2i", window),
        ("lineOrder", "lineOrder", b"\0"),
        ("pixelAspectRatio", "float", struct.pack("<f", 1)),
        ("screenWindowCenter", "v2f", struct.pack("<2f", 0, 0)),
        ("screenWindowWidth", "float", struct.pack("<f", 1)),
    )
    header = MAGIC + b"".join(
        name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<i", len(value)) + value
        for name, kind, value in attributes
    )
    header += b"\0"
    size = 2 * width * len(names)
    lines = numpy.empty(height, [("y", "<i4"), ("size", "<i4"), ("values", "<f2", (len(names), width))])
    lines["y"], lines["size"] = numpy.arange(height), size
    for number, name in enumerate(names):
        lines["values"][:, number] = channels[name]
    start = len(header) + 8 * height
    with open(path, "wb") as file:
        file.write(header)
        file.write((start + numpy.arange(height, dtype="<u8") * (size + 8)).astype("<u8").tobytes())
        file.write(lines.tobytes())


def _header(data):
    """The attributes' values by name, and where they end."""
    magic, version = struct.unpack_from("<II", data)
    if magic != 20000630 or version & ~LONG_NAMES != 2:
        raise ValueError("not an EXR of one part and scanlines")
    at, found = 8, {}
    while data[at]:
        end = data.index(b"\0", at)
        name, at = data[at:end], data.index(b"\0", end + 1) + 1
        (size,) = struct.unpack_from("<i", data, at)
        found[name] = data[at + 4 : at + 4 + size]
        at += 4 + size
    return found, at + 1


def _channels(value):
    at = 0
    while value[at]:
        end = value.index(b"\0", at)
        (kind,) = struct.unpack_from("<i", value, end + 1)
        yield value[at:end].decode(), kind
        at = end + 17
