"""Mutations that know nothing of what they change, and streams and bombs that both containers hold.

A mutation is a function of an original, another original and a source of chance; it gives the file
and what is asked of it.
"""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from tileproof.ports.images import ImageFormat, Pixels


@dataclass(frozen=True, slots=True)
class Original:
    data: bytes
    form: ImageFormat
    pixels: Pixels


Made = tuple[bytes, ImageFormat]
Mutation = Callable[[Original, Original, random.Random], Made]
HONEST = "honest again"
"""The one mutation that has to be accepted, with the original's pixels."""


def flipped_bits(of: Original, other: Original, chance: random.Random) -> Made:
    data = bytearray(of.data)
    for _ in range(chance.choice([1, 1, 1, 2, 8])):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(data), of.form


def mangled(of: Original, other: Original, chance: random.Random) -> Made:
    return mangled_bytes(of.data, chance), of.form


def mangled_bytes(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(changed) + 1)
        match chance.randrange(3):
            case 0:
                changed[at : at + 1] = chance.randbytes(1)
            case 1:
                del changed[at : at + chance.randint(1, 9)]
            case _:
                changed[at:at] = chance.randbytes(chance.randint(1, 9))
    return bytes(changed)


def truncated(of: Original, other: Original, chance: random.Random) -> Made:
    last = chance.choice([len(of.data), min(len(of.data), 16), len(of.data)])
    return of.data[: chance.randrange(last)] if chance.random() < 0.7 else of.data[
        : -chance.randint(1, 12)
    ], of.form


def extended(of: Original, other: Original, chance: random.Random) -> Made:
    return of.data + chance.choice([b"\0", chance.randbytes(9), bytes(4096)]), of.form


def concatenated(of: Original, other: Original, chance: random.Random) -> Made:
    return chance.choice([of.data + other.data, of.data * 2, other.data + of.data]), of.form


def spliced(of: Original, other: Original, chance: random.Random) -> Made:
    """The head of one on the tail of another, at one offset or at two."""
    at = chance.randrange(len(of.data))
    other_at = at if chance.random() < 0.5 else chance.randrange(len(other.data))
    return of.data[:at] + other.data[other_at:], of.form


def odd_stream(raw: bytes, chance: random.Random) -> bytes:
    """Deflated in a way that somebody may read otherwise, or not at all; some are valid."""
    cut = chance.randint(0, len(raw))
    pack = zlib.compressobj(6)
    match chance.randrange(11):
        case 0:
            return zlib.compress(raw[:cut]) + zlib.compress(raw[cut:])
        case 1:
            packed = zlib.compress(raw)
            return packed[:-4] + chance.randbytes(4)
        case 2:
            return pack.compress(raw) + pack.flush(zlib.Z_SYNC_FLUSH)
        case 3:
            empty = b"".join(pack.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
            return pack.compress(raw[:cut]) + empty + pack.compress(raw[cut:]) + pack.flush()
        case 4:
            pack = zlib.compressobj(6, zdict=raw[:64] or b"x")
            return pack.compress(raw) + pack.flush()
        case 5:
            pack = zlib.compressobj(6, wbits=chance.choice([-15, 31]))
            return pack.compress(raw) + pack.flush()
        case 6:
            return zlib.compress(raw) + chance.randbytes(chance.randint(1, 20))
        case 7:
            return zlib.compress(raw[:-1] if chance.random() < 0.5 else raw + b"\0")
        case 8:
            pack = zlib.compressobj(6, wbits=chance.randint(9, 15))
            return pack.compress(raw) + pack.flush()
        case 9:  # a window of another size than was used
            first = chance.randrange(16) << 4 | 8
            return bytes([first, 31 - (first << 8) % 31]) + zlib.compress(raw)[2:]
        case _:
            return zlib.compress(raw)[: chance.randint(0, 40)]


def bomb(most: int, raw: bytes, chance: random.Random) -> bytes:
    """At most ``most`` bytes that unpack to a thousand times as many, some behind the right ones."""
    start = chance.choice([b"", raw, raw[: len(raw) // 2]])
    pack = zlib.compressobj(9)
    data = pack.compress(start) + pack.flush(zlib.Z_FULL_FLUSH)
    count = max(1, (most - len(data) - 16) // len(_MEBIBYTE))
    checksum = zlib.adler32(start)
    for _ in range(count):
        checksum = zlib.adler32(bytes(1 << 20), checksum)
    end = b"\3\0" + struct.pack(">I", checksum) if chance.random() < 0.7 else b""
    return data + _MEBIBYTE * count + end


def _deflated_alone(data: bytes) -> bytes:
    """In blocks that may follow any others of a stream."""
    pack = zlib.compressobj(9, wbits=-15)
    return pack.compress(data) + pack.flush(zlib.Z_FULL_FLUSH)


_MEBIBYTE = _deflated_alone(bytes(1 << 20))


COMMON: dict[str, Mutation] = {
    "bits flipped": flipped_bits,
    "bytes mangled": mangled,
    "truncated": truncated,
    "bytes behind the end": extended,
    "two files in one": concatenated,
    "spliced from two files": spliced,
}
