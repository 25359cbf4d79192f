"""The STARK curve: multiples of its generator, fast and without a secret's pattern in time.

starknet-py multiplies bit by bit, which takes an eighth of a second. Here the generator's multiples
lie in a table. Two measures keep a scalar from who can measure time: each multiplication is that of
two parts, both random, whose sum is the scalar; and every digit of a part adds a point, a zero too.
Python's own integers take as long as their size demands, so that no stronger promise is made: sign on
a machine of your own (ADR 19).
"""

from __future__ import annotations

import secrets
from functools import cache

FIELD_PRIME = 2**251 + 17 * 2**192 + 1
EC_ORDER = 0x800000000000010FFFFFFFFFFFFFFFFB781126DCAE7B2321E66A241ADC64D2F
Point = tuple[int, int]
GENERATOR: Point = (
    0x1EF15C18599971B7BECED415A40F0C7DEACFD9B0D1819E03D723D8BC943CFCA,
    0x5668060AA49730B7BE4801DF46EC62DE53ECD11ABE43A32873000C36E8DC1F,
)
ALPHA = 1
"""Of the curve y² = x³ + αx + β (StarkWare, "STARK curve")."""
DIGIT_BITS = 4
DIGITS = -(-EC_ORDER.bit_length() // DIGIT_BITS)
_Projective = tuple[int, int, int]
"""Jacobian coordinates: the point (x/z², y/z³)."""


def times_generator(scalar: int) -> Point:
    """Returns the multiple of the generator for a scalar in 1..order - 1.

    Raises ValueError for any other scalar.
    """
    if not 0 < scalar < EC_ORDER:
        raise ValueError("a scalar lies between 0 and the order of the curve")
    while True:
        part = 1 + secrets.randbelow(EC_ORDER - 1)
        (a,) = _affine([_multiple(part)])
        try:
            (found,) = _affine([_sum(_multiple((scalar - part) % EC_ORDER), a)])
        except ValueError:
            continue  # two points were equal or opposite, once in 2**250 times
        return found


def public_key(private_key: int) -> int:
    """Returns the Starknet key that belongs to a private key: the x-coordinate of its point."""
    return times_generator(private_key)[0]


def _multiple(part: int) -> _Projective:
    """Returns the generator times ``part``. A digit d adds d + 1 units of its place, and the
    start makes up for the one too many."""
    start, rows = _table()
    found = (*start, 1)
    for row in rows:
        found = _sum(found, row[part & (1 << DIGIT_BITS) - 1])
        part >>= DIGIT_BITS
    return found


@cache
def _table() -> tuple[Point, list[list[Point]]]:
    """Returns the start of each sum, and for each digit's place the generator times 1..16 there."""
    rows: list[list[Point]] = []
    unit, ones = GENERATOR, None
    for _ in range(DIGITS):
        multiples = [(*unit, 1), _double(unit)]
        while len(multiples) < 1 << DIGIT_BITS:
            multiples.append(_sum(multiples[-1], unit))
        rows.append(_affine(multiples))
        ones = (*unit, 1) if ones is None else _sum(ones, unit)
        unit = rows[-1][-1]
    assert ones is not None
    ((x, y),) = _affine([ones])
    return (x, FIELD_PRIME - y), rows


def _double(point: Point) -> _Projective:
    x, y = point
    s, m = 4 * x * y * y, 3 * x * x + ALPHA
    new_x = (m * m - 2 * s) % FIELD_PRIME
    return new_x, (m * (s - new_x) - 8 * y**4) % FIELD_PRIME, 2 * y % FIELD_PRIME


def _sum(a: _Projective, b: Point) -> _Projective:
    """Returns a + b, whose z is 0 when the points are equal or opposite."""
    x, y, z = a
    zz = z * z % FIELD_PRIME
    run = (b[0] * zz - x) % FIELD_PRIME
    rise = (b[1] * zz * z - y) % FIELD_PRIME
    square = run * run % FIELD_PRIME
    cube, middle = square * run % FIELD_PRIME, x * square % FIELD_PRIME
    new_x = (rise * rise - cube - 2 * middle) % FIELD_PRIME
    return new_x, (rise * (middle - new_x) - y * cube) % FIELD_PRIME, run * z % FIELD_PRIME


def _affine(points: list[_Projective]) -> list[Point]:
    """Returns the points with z = 1, by one inversion for all. Raises ValueError where z is 0."""
    products, product = [], 1
    for _, _, z in points:
        products.append(product)
        product = product * z % FIELD_PRIME
    inverse = pow(product, -1, FIELD_PRIME)
    found: list[Point] = []
    for (x, y, z), before in zip(reversed(points), reversed(products), strict=True):
        own, inverse = inverse * before % FIELD_PRIME, inverse * z % FIELD_PRIME
        square = own * own % FIELD_PRIME
        found.append((x * square % FIELD_PRIME, y * square * own % FIELD_PRIME))
    return found[::-1]
