"""What a hostile worker may make of an EXR: attributes, tables of offsets, chunks, floats, streams."""

from __future__ import annotations

import random
import struct
from dataclasses import replace

import numpy as np

from benchmarks.fuzz_bytes import COMMON, HONEST, Made, Mutation, Original, bomb, mangled_bytes, odd_stream
from benchmarks.fuzz_files import (
    EXR_LINES,
    NONE,
    ZIP,
    ZIPS,
    exr_of,
    exr_parts,
    exr_raws,
    exr_steps,
    exr_zipped,
)


def exr_honest(of: Original, other: Original, chance: random.Random) -> Made:
    made = exr_of(of.pixels, chance.choice([NONE, ZIPS, ZIP]), chance.randint(1, 9))
    attributes = list(made.attributes)
    chance.shuffle(attributes)
    if chance.random() < 0.5:
        attributes.append((b"type", b"string", b"scanlineimage"))
    return replace(made, attributes=attributes).file(), of.form


def exr_changed_attributes(of: Original, other: Original, chance: random.Random) -> Made:
    """Mangled, doubled, dropped, swapped, invented, from elsewhere; offsets right again behind them."""
    parts = replace(exr_parts(of.data), offsets=None)
    listed = list(parts.attributes)
    for _ in range(chance.randint(1, 2)):
        at = chance.randrange(len(listed))
        name, kind, value = listed[at]
        match chance.randrange(8):
            case 0:
                listed[at] = (name, kind, mangled_bytes(value, chance))
            case 1:
                listed.insert(chance.randrange(len(listed)), (name, kind, value))
            case 2 if len(listed) > 1:
                del listed[at]
            case 3:
                to = chance.randrange(len(listed))
                listed[at], listed[to] = listed[to], listed[at]
            case 4:
                listed[at] = (name, mangled_bytes(kind, chance).replace(b"\0", b""), value)
            case 5:
                listed[at] = (mangled_bytes(name, chance).replace(b"\0", b"") or b"x", kind, value)
            case 6:
                listed.insert(at, chance.choice(EXTRA_ATTRIBUTES))
            case _:
                flags = chance.choice([0x200, 0x400, 0x800, 0x1000, 0x2000, 1, 255])
                parts = replace(parts, version=struct.pack("<II", 20000630, 2 | flags))
    return replace(parts, attributes=listed).file(), of.form


EXTRA_ATTRIBUTES = [
    (b"chromaticities", b"chromaticities", struct.pack("<8f", 0.7, 0.3, 0.1, 0.8, 0.1, 0.0, 0.3, 0.3)),
    (b"tiles", b"tiledesc", struct.pack("<IIB", 8, 8, 0)),
    (b"chunkCount", b"int", struct.pack("<i", 2**31 - 1)),
    (b"type", b"string", b"deepscanline"),
    (b"name", b"string", b"part"),
    (b"view", b"string", b"left"),
    (b"dwaCompressionLevel", b"float", struct.pack("<f", 45)),
    (b"preview", b"preview", struct.pack("<II", 1 << 16, 1 << 16)),
    (b"owner", b"string", b"x" * 3000),
    (b"maxSamplesPerPixel", b"int", struct.pack("<i", -1)),
]


def exr_field_lies(of: Original, other: Original, chance: random.Random) -> Made:
    parts = replace(exr_parts(of.data), offsets=None)
    width, height = of.form.width, of.form.height
    window = struct.pack("<4i", 0, 0, width - 1, height - 1)
    windows = [
        struct.pack("<4i", 0, 0, width - 1, height),
        struct.pack("<4i", 0, 0, height - 1, width - 1),
        struct.pack("<4i", 1, 1, width, height),
        struct.pack("<4i", 0, 0, 2**31 - 1, 2**31 - 1),
        struct.pack("<4i", -(2**31), -(2**31), 2**31 - 1, 2**31 - 1),
        struct.pack("<4i", 0, 0, -1, -1),
        window,
    ]
    listed = parts.attributes[[name for name, _, _ in parts.attributes].index(b"channels")][2]
    at = listed.index(b"\0") + 1
    lies = [
        (b"dataWindow", chance.choice(windows)),
        (b"displayWindow", chance.choice(windows)),
        (b"compression", bytes([chance.choice([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255])])),
        (b"lineOrder", bytes([chance.choice([1, 2, 3, 255])])),
        (b"channels", listed[:at] + struct.pack("<i", chance.choice([0, 1, 2, 3, -1])) + listed[at + 4 :]),
        (b"channels", listed[: at + 4] + chance.randbytes(4) + listed[at + 8 :]),
        (
            b"channels",
            listed[: at + 8] + struct.pack("<ii", chance.choice([0, 1, 2, -1]), 1) + listed[at + 16 :],
        ),
        (b"channels", listed[: at + 16] + listed),
        (b"channels", listed[at + 16 :]),
        (b"channels", listed + b"\0"),
        (b"channels", b"Z" + listed[1:]),
    ]
    for _ in range(chance.randint(1, 2)):
        parts = parts.with_value(*chance.choice(lies))
    return parts.file(), of.form


def exr_offset_lies(of: Original, other: Original, chance: random.Random) -> Made:
    """A table that points elsewhere, and chunks in another order with a table that is right."""
    parts = exr_parts(of.data)
    offsets, chunks = parts.right_offsets(), list(parts.chunks)
    at, to = chance.randrange(len(offsets)), chance.randrange(len(offsets))
    match chance.randrange(6):
        case 0:
            offsets[at], offsets[to] = offsets[to], offsets[at]
        case 1:
            offsets[at] = offsets[to]
        case 2:
            offsets[at] = chance.choice([0, 8, len(of.data), len(of.data) - 1, 2**63, 2**64 - 1])
        case 3:
            offsets[at] = (offsets[at] + chance.choice([-8, -1, 1, 8])) % 2**64
        case 4:
            offsets = [0] * len(offsets)
        case _:
            order = list(range(len(chunks)))
            chance.shuffle(order)
            moved = replace(parts, chunks=[chunks[n] for n in order], offsets=None)
            placed = dict(zip(order, moved.right_offsets(), strict=True))
            return replace(moved, offsets=[placed[n] for n in range(len(order))]).file(), of.form
    return replace(parts, offsets=offsets).file(), of.form


def exr_mutated_chunks(of: Original, other: Original, chance: random.Random) -> Made:
    parts = exr_parts(of.data)
    chunks = list(parts.chunks)
    at, to = chance.randrange(len(chunks)), chance.randrange(len(chunks))
    first, data = chunks[at]
    match chance.randrange(7):
        case 0:
            chunks[at] = (chance.choice([first + 1, -1, 0, 2**31 - 1, chunks[to][0]]), data)
        case 1:
            chunks[at], chunks[to] = chunks[to], chunks[at]
        case 2:
            chunks[at] = (first, chunks[to][1])
        case 3:
            chunks[at] = (first, mangled_bytes(data, chance))
        case 4:
            chunks[at] = (first, b"")
        case 5:
            chunks.insert(at, chunks[to])
        case _:
            del chunks[at]
    return replace(parts, chunks=chunks, offsets=None).file(), of.form


def exr_changed_floats(of: Original, other: Original, chance: random.Random) -> Made:
    """Any float is an honest float: NaNs with what they carry, both zeros. Another valid picture."""
    changed = of.pixels.copy()
    bits = changed.view(np.uint16 if changed.itemsize == 2 else np.uint32).reshape(-1)
    nan = 0x7C00 if changed.itemsize == 2 else 0x7F800000
    for _ in range(chance.randint(1, 9)):
        low = chance.randrange(1024)
        sign = chance.choice([0, 1 << (8 * changed.itemsize - 1)])
        bits[chance.randrange(bits.size)] = chance.choice([nan | low, low, 0, nan]) | sign
    return exr_of(changed, chance.choice([NONE, ZIPS, ZIP])).file(), of.form


def exr_odd_stream(of: Original, other: Original, chance: random.Random) -> Made:
    made, raws = exr_of(of.pixels, ZIP), exr_raws(of.pixels, EXR_LINES[ZIP])
    chunks = list(made.chunks)
    at = chance.randrange(len(chunks))
    stored = [raws[at], raws[at] + b"\0", odd_stream(exr_steps(raws[at]), chance), exr_zipped(raws[at][:-1])]
    chunks[at] = (chunks[at][0], chance.choice([*stored, *stored[2:3] * 4]))
    return replace(made, chunks=chunks).file(), of.form


def exr_bomb(of: Original, other: Original, chance: random.Random) -> Made:
    made, raws = exr_of(of.pixels, ZIP), exr_raws(of.pixels, EXR_LINES[ZIP])
    chunks = list(made.chunks)
    at = chance.randrange(len(chunks))
    chunks[at] = (chunks[at][0], bomb(len(raws[at]) - 1, exr_steps(raws[at]), chance))
    return replace(made, chunks=chunks).file(), of.form


def exr_huge(of: Original, other: Original, chance: random.Random) -> Made:
    width, height = chance.choice([(8000, 8000), (65536, 1000), (1, 65536), (65536, 1)])
    window = struct.pack("<4i", 0, 0, width - 1, height - 1)
    parts = replace(exr_parts(of.data), offsets=None)
    parts = parts.with_value(b"dataWindow", window).with_value(b"displayWindow", window)
    return parts.file(), replace(of.form, width=width, height=height)


MUTATIONS: dict[str, Mutation] = {
    HONEST: exr_honest,
    **COMMON,
    "attributes": exr_changed_attributes,
    "header lies": exr_field_lies,
    "offset lies": exr_offset_lies,
    "chunks": exr_mutated_chunks,
    "other floats": exr_changed_floats,
    "odd streams": exr_odd_stream,
    "bombs": exr_bomb,
    "huge by its header": exr_huge,
}
