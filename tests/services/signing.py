"""The library's own signatures in a fiftieth of its time, which is most of what a transaction costs a test.

starknet-py multiplies the curve's generator bit by bit, twice for each transaction: an eighth of a second
every time. Here its multiples lie in a table. The bits are the same (tests/unit/test_signing.py), and
only the tests' own process signs so: roles and commands are processes of their own. No secret is kept
from who can measure time, which is why this is no part of the package.
"""

from __future__ import annotations

from functools import cache

from crypto_cpp_py.utils import cpp_generate_k_rfc6979
from starknet_py.constants import EC_ORDER, FIELD_PRIME
from starknet_py.net.signer import stark_curve_signer

Point = tuple[int, int]
GENERATOR = (
    0x1EF15C18599971B7BECED415A40F0C7DEACFD9B0D1819E03D723D8BC943CFCA,
    0x5668060AA49730B7BE4801DF46EC62DE53ECD11ABE43A32873000C36E8DC1F,
)
ALPHA = 1
"""Of the curve y² = x³ + αx + β (Starkware, "STARK curve")."""
DIGIT_BITS = 4


def pytest_configure() -> None:
    setattr(stark_curve_signer, "message_signature", signature)  # noqa: B010


def signature(msg_hash: int, priv_key: int, seed: int | None = 32) -> tuple[int, int]:
    """What ``starknet_py.hash.utils.message_signature`` answers."""
    k = cpp_generate_k_rfc6979(msg_hash, priv_key, seed)
    r, _ = times_generator(k)
    return r, (msg_hash + r * priv_key) * pow(k, -1, EC_ORDER) % EC_ORDER


def times_generator(k: int) -> Point:
    """For ``k`` in 1..order - 1. A partial sum is a smaller multiple than what is added to it, so that
    no two equal or opposite points meet."""
    found: Point | None = None
    for row in _multiples():
        k, digit = k >> DIGIT_BITS, k & (1 << DIGIT_BITS) - 1
        if digit:
            found = row[digit - 1] if found is None else _sum(found, row[digit - 1])
    assert found is not None
    return found


@cache
def _multiples() -> list[list[Point]]:
    """For each digit's place, the generator times 1..15 there."""
    rows, unit = [], GENERATOR
    for _ in range(-(-EC_ORDER.bit_length() // DIGIT_BITS)):
        row = [unit, _through(unit, unit, 3 * unit[0] ** 2 + ALPHA, 2 * unit[1])]
        while len(row) < 1 << DIGIT_BITS:
            row.append(_sum(row[-1], unit))
        unit = row.pop()
        rows.append(row)
    return rows


def _sum(a: Point, b: Point) -> Point:
    return _through(a, b, b[1] - a[1], b[0] - a[0])


def _through(a: Point, b: Point, rise: int, run: int) -> Point:
    """The third point of the line through both, mirrored."""
    slope = rise * pow(run, -1, FIELD_PRIME) % FIELD_PRIME
    x = (slope**2 - a[0] - b[0]) % FIELD_PRIME
    return x, (slope * (a[0] - x) - a[1]) % FIELD_PRIME
