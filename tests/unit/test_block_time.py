"""A count of blocks says how long it takes, in a unit that people read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tileproof.domain.block_time import about, from_now


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "about 1 s"),
        (40, "about 40 s"),
        (89, "about 89 s"),
        (90, "about 2 min"),
        (300, "about 5 min"),
        (3_300, "about 55 min"),
        (3_590, "about 1 h"),
        (10_000, "about 3 h"),
        (86_400, "about 1 day"),
        (200_000, "about 2 days"),
    ],
)
def test_a_time_is_said_in_one_unit(seconds: float, words: str) -> None:
    assert about(seconds) == words


@given(st.floats(1.0, 1e7))
def test_what_is_said_lies_near_the_time(seconds: float) -> None:
    _, number, unit = about(seconds).split()
    size = {"s": 1, "min": 60, "h": 3_600, "day": 86_400, "days": 86_400}[unit]
    assert abs(int(number) * size - seconds) <= max(0.5, seconds / 3)


def test_a_block_to_come_says_how_far_off_it_is_on_this_network() -> None:
    assert from_now(250, 100, 2.0) == "150 blocks from now, about 5 min"
    assert from_now(101, 100, 1.0) == "1 block from now, about 1 s"
    assert from_now(100, 100, 2.0) == from_now(90, 100, 2.0) == "now"
