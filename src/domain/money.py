"""Amounts of the network's token, exact to the last unit.

One STRK is 10^18 fri, as Starknet counts it. Arithmetic is on whole fri only; a float
never becomes money.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .errors import InputError

FRI_PER_STRK = 10**18
MAX_FRI = 2**128 - 1  # the contract keeps amounts in u128

_AMOUNT = re.compile(r"(\d{1,30})(?:\.(\d{1,18}))?")


@dataclass(frozen=True, order=True, slots=True)
class Fri:
    """A non-negative amount in fri, at most ``MAX_FRI``.

    Raises:
        ValueError: outside 0..2^128-1. Subtraction below zero raises it too, so a debt
            can never pass for an amount.
    """

    units: int

    def __post_init__(self) -> None:
        if isinstance(self.units, bool) or not isinstance(self.units, int) or not 0 <= self.units <= MAX_FRI:
            raise ValueError(f"an amount is a whole number of fri in 0..2^128-1, not {self.units!r}")

    def __add__(self, other: Fri) -> Fri:
        return Fri(self.units + other.units)

    def __sub__(self, other: Fri) -> Fri:
        return Fri(self.units - other.units)

    def __mul__(self, times: int) -> Fri:
        return Fri(self.units * times)

    def __str__(self) -> str:
        return f"{self.strk()} STRK"

    def strk(self, places: int | None = None) -> str:
        """Decimal STRK without loss, or cut (never rounded up) to ``places`` decimals."""
        whole, part = divmod(self.units, FRI_PER_STRK)
        digits = f"{part:018d}"
        if places is not None:
            return f"{whole}.{digits[:places]}" if places else str(whole)
        digits = digits.rstrip("0")
        return f"{whole}.{digits}" if digits else str(whole)


ZERO = Fri(0)


def parse_strk(text: str) -> Fri:
    """The amount written as decimal STRK, such as ``2`` or ``0.25``.

    Raises:
        InputError: ``money.malformed`` when it is not a plain decimal with at most 18
            places; ``money.too_large`` above 2^128-1 fri.
    """
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        raise InputError(
            "money.malformed",
            f"{text!r} is not an amount of STRK",
            remedy="write a plain decimal such as 2 or 0.25, with at most 18 decimal places",
            text=text,
        )
    units = int(match[1]) * FRI_PER_STRK + int((match[2] or "").ljust(18, "0"))
    if units > MAX_FRI:
        raise InputError(
            "money.too_large",
            f"{text} STRK is more than the contract can hold",
            remedy="write the amount in STRK, not in fri",
            text=text,
        )
    return Fri(units)
