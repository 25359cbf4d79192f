"""A sealed verdict as it will travel: with the attempt and the round that it is for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Commitment:
    """``seat`` is the index in the drawn committee."""

    task: int
    attempt: int
    round: int
    seat: int
    commitment: int
