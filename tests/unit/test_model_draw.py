"""The draw is even, bounded and blind to who did not come up; and who may sit at all."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tileproof.domain.job import NO_SEAT, Address, Seat
from tileproof.domain.money import Fri
from tileproof.domain.sampling import DRAW_TRIES, draw_committee, is_audited

from model.draw import Draw

SEEDS = 100_000
CHI_SQUARE_OF_ONE_IN_A_MILLION = {1: 23.93, 7: 40.52}
"""By degrees of freedom: an even draw exceeds it once in a million runs; the seeds are fixed."""

OWNER, REQUESTER, LATE = Address(0xA), Address(0xB), Address(0xC)
EXIT = 230
DRAW = Draw(
    size=3,
    slots_at_claim=4,
    claim_block=500,
    least_bond=40,
    held_until=700,
    excluded=frozenset({REQUESTER}),
)
SEAT = Seat(0, OWNER, Fri(640), 100, None, False)


def chi_square(counts: Counter[int], shares: dict[int, float], total: int) -> float:
    return sum((counts[key] - share * total) ** 2 / (share * total) for key, share in shares.items())


@pytest.mark.long
def test_every_slot_that_may_sit_is_drawn_as_often_as_any_other() -> None:
    """Two of ten slots may not sit, so that what the retries do is weighed too."""
    random, sitting = Random(1), [slot for slot in range(10) if slot not in (3, 8)]
    counts = Counter(
        draw_committee(random.getrandbits(251), 1, 10, lambda slot: slot in sitting)[0] for _ in range(SEEDS)
    )
    assert sorted(counts) == sitting
    shares = {slot: 1 / len(sitting) for slot in sitting}
    assert chi_square(counts, shares, SEEDS) < CHI_SQUARE_OF_ONE_IN_A_MILLION[len(sitting) - 1]


@pytest.mark.long
def test_a_task_is_audited_as_often_as_its_rate_says() -> None:
    random = Random(2)
    counts = Counter(int(is_audited(random.getrandbits(251), 1_500)) for _ in range(SEEDS))
    assert chi_square(counts, {0: 0.85, 1: 0.15}, SEEDS) < CHI_SQUARE_OF_ONE_IN_A_MILLION[1]


@pytest.mark.slow
@settings(max_examples=150)
@given(st.integers(0, 2**251 - 1), st.sampled_from((1, 3, 7, 15)), st.sets(st.integers(0, 19)))
def test_a_committee_holds_only_who_may_sit_and_nobody_twice(seed: int, size: int, sitting: set[int]) -> None:
    asked: list[int] = []

    def may_sit(slot: int) -> bool:
        asked.append(slot)
        return slot in sitting

    drawn = draw_committee(seed, size, 20, may_sit)
    seated = [slot for slot in drawn if slot != NO_SEAT]
    assert len(drawn) == size
    assert len(seated) == len(set(seated)) <= len(sitting)
    assert set(seated) <= sitting
    assert len(asked) <= size * DRAW_TRIES


@settings(max_examples=150)
@given(st.integers(0, 2**251 - 1), st.integers(0, 19))
def test_leaving_out_who_was_not_drawn_changes_nothing(seed: int, left_out: int) -> None:
    drawn = draw_committee(seed, 3, 20, lambda slot: True)
    again = draw_committee(seed, 3, 20, lambda slot: slot != left_out)
    assert (again == drawn) == (left_out not in drawn)
    assert left_out not in again


@settings(max_examples=50)
@given(st.integers(0, 2**251 - 1))
def test_nobody_is_drawn_where_there_is_no_slot_and_one_seat_sits_once(seed: int) -> None:
    assert draw_committee(seed, 3, 0, lambda slot: True) == (NO_SEAT,) * 3
    assert sorted(draw_committee(seed, 3, 1, lambda slot: True)) == [0, NO_SEAT, NO_SEAT]


# --- who may sit ---


def test_an_active_seat_of_a_third_party_from_before_the_claim_may_sit() -> None:
    assert DRAW.may_sit(SEAT, EXIT)
    assert DRAW.may_sit(replace(SEAT, since_block=499), EXIT)


def test_a_seat_of_the_claims_own_block_or_later_may_not_sit() -> None:
    assert not DRAW.may_sit(replace(SEAT, since_block=500), EXIT)
    assert not DRAW.may_sit(replace(SEAT, since_block=501), EXIT)


def test_whoever_is_party_or_sat_in_the_round_before_may_not_sit() -> None:
    assert not DRAW.may_sit(replace(SEAT, owner=REQUESTER), EXIT)


def test_a_bond_that_no_longer_covers_the_dearest_slash_may_not_sit() -> None:
    assert DRAW.may_sit(replace(SEAT, bond=Fri(40)), EXIT)
    assert not DRAW.may_sit(replace(SEAT, bond=Fri(39)), EXIT)


def test_a_seat_that_left_before_the_claim_may_not_sit_and_one_that_leaves_later_may() -> None:
    assert not DRAW.may_sit(replace(SEAT, leaving_block=499), EXIT)
    assert DRAW.may_sit(replace(SEAT, leaving_block=500), EXIT)


def test_a_seat_that_could_be_collected_before_its_verdict_is_judged_may_not_sit() -> None:
    late = replace(DRAW, held_until=730)
    assert not late.may_sit(replace(SEAT, leaving_block=500), EXIT)
    assert late.may_sit(replace(SEAT, leaving_block=501), EXIT)
