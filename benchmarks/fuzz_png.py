"""What a hostile worker may make of a PNG: chunks, headers, scanlines, streams, bombs."""

from __future__ import annotations

import random
import struct
import zlib
from dataclasses import replace

from benchmarks.fuzz_bytes import COMMON, HONEST, Made, Mutation, Original, bomb, mangled_bytes, odd_stream
from benchmarks.fuzz_files import png_chunks, png_file, png_header, png_scanlines


def png_honest(of: Original, other: Original, chance: random.Random) -> Made:
    raw = png_scanlines(of.pixels, [chance.randrange(5) for _ in of.pixels])
    packed = zlib.compress(raw, chance.randrange(10))
    cut = chance.randint(0, len(packed))
    parts = [packed] if chance.random() < 0.5 else [packed[:cut], packed[cut:]]
    chunks = [(b"IHDR", png_header(of.pixels)), *((b"IDAT", part) for part in parts), (b"IEND", b"")]
    return png_file(chunks), of.form


def png_mutated_chunks(of: Original, other: Original, chance: random.Random) -> Made:
    """Behind good checksums: mangled, doubled, dropped, swapped, split, invented, from elsewhere."""
    parts = png_chunks(of.data)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(parts))
        name, body = parts[at]
        match chance.randrange(8):
            case 0:
                parts[at] = (name, mangled_bytes(body, chance))
            case 1:
                parts.insert(at, (name, body))
            case 2 if len(parts) > 1:
                del parts[at]
            case 3:
                parts[at], parts[-1] = parts[-1], parts[at]
            case 4:
                cut = chance.randint(0, len(body))
                parts[at : at + 1] = [(name, body[:cut]), (name, body[cut:])]
            case 5:
                parts[at] = chance.choice(png_chunks(other.data) or [(b"IDAT", b"")])
            case 6:
                parts[at:at] = [(b"IDAT", b"")] * chance.randint(1, 2000)
            case _:
                parts.insert(at, (chance.choice(NAMES), chance.randbytes(chance.randint(0, 40))))
    return png_file(parts), of.form


NAMES = b"tEXt gAMA sBIT acTL fdAT tRNS PLTE qqqq eXIf iCCP IEND IDAt idat \xff\xff\xff\xff".split()


def png_header_lies(of: Original, other: Original, chance: random.Random) -> Made:
    parts = png_chunks(of.data)
    fields = list(struct.unpack(">IIBBBBB", parts[0][1]))
    at = chance.randrange(7)
    sizes = [0, 1, 2**31 - 1, 2**31, 2**32 - 1, 8000, fields[0] + 1, max(fields[0] - 1, 0)]
    fields[at] = chance.choice(sizes) if at < 2 else chance.randrange(256 if chance.random() < 0.3 else 17)
    if chance.random() < 0.2:
        fields[0], fields[1] = fields[1], fields[0]
    parts[0] = (b"IHDR", struct.pack(">IIBBBBB", *fields))
    return png_file(parts), of.form


def png_length_lies(of: Original, other: Original, chance: random.Random) -> Made:
    parts, data, at = png_chunks(of.data), bytearray(of.data), 8
    for _, body in parts[: chance.randrange(len(parts))]:
        at += 12 + len(body)
    lie = chance.choice([0, 1, 2**31 - 1, 2**31, 2**32 - 1, chance.randrange(1 << 16)])
    data[at : at + 4] = struct.pack(">I", lie)
    return bytes(data), of.form


def png_changed_scanlines(of: Original, other: Original, chance: random.Random) -> Made:
    """Behind a good stream: other bytes, filters that exist or do not. Mostly another valid picture."""
    raw = bytearray(png_scanlines(of.pixels, [0] * len(of.pixels)))
    for _ in range(chance.randint(1, 8)):
        raw[chance.randrange(len(raw))] = chance.randrange(256)
    row = len(raw) // len(of.pixels)
    for y in range(len(of.pixels)):
        raw[y * row] = chance.choice([0, 1, 2, 3, 4])
    if chance.random() < 0.2:
        raw[chance.randrange(len(of.pixels)) * row] = chance.choice([5, 6, 128, 255])
    return _png_around(of, zlib.compress(bytes(raw))), of.form


def png_odd_stream(of: Original, other: Original, chance: random.Random) -> Made:
    return _png_around(of, odd_stream(png_scanlines(of.pixels, [0] * len(of.pixels)), chance)), of.form


def png_bomb(of: Original, other: Original, chance: random.Random) -> Made:
    raw = png_scanlines(of.pixels, [0] * len(of.pixels))
    packed = bomb(of.pixels.nbytes + (1 << 15), raw, chance)
    if chance.random() < 0.3:
        body = b"name\0\0" + packed
        extra = (chance.choice([b"iCCP", b"zTXt"]), body)
        return png_file([(b"IHDR", png_header(of.pixels)), extra, *png_chunks(of.data)[1:]]), of.form
    return _png_around(of, packed), of.form


def png_huge(of: Original, other: Original, chance: random.Random) -> Made:
    """A small file that is as huge as it was asked for, by what it says."""
    width, height = chance.choice([(8000, 8000), (65536, 1000), (1, 65536), (65536, 1)])
    parts = png_chunks(of.data)
    parts[0] = (b"IHDR", struct.pack(">II", width, height) + parts[0][1][8:])
    if chance.random() < 0.5:
        parts[1:2] = [(b"IDAT", bomb(1 << 16, b"", chance))]
    return png_file(parts), replace(of.form, width=width, height=height)


def _png_around(of: Original, packed: bytes) -> bytes:
    return png_file([(b"IHDR", png_header(of.pixels)), (b"IDAT", packed), (b"IEND", b"")])


MUTATIONS: dict[str, Mutation] = {
    HONEST: png_honest,
    **COMMON,
    "chunks, checksums right": png_mutated_chunks,
    "header lies": png_header_lies,
    "length lies": png_length_lies,
    "other scanlines": png_changed_scanlines,
    "odd streams": png_odd_stream,
    "bombs": png_bomb,
    "huge by its header": png_huge,
}
