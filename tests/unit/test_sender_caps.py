"""What gas may cost: the arithmetic of the caps, for any amounts and any order of calls."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tileproof.adapters.starknet.caps import FeeCaps
from tileproof.domain.errors import ConfigError
from tileproof.domain.money import ZERO, Fri

amounts = st.one_of(st.integers(0, 20), st.integers(0, 2**90)).map(Fri)
caps = st.builds(FeeCaps, per_tx=amounts, per_day=amounts)
calls = st.lists(st.tuples(amounts, st.one_of(st.just(ZERO), amounts)), max_size=12)
"""The most that each costs, and what it saves."""


def may(caps: FeeCaps, most: Fri, spent: Fri, at_risk: Fri = ZERO) -> bool:
    try:
        caps.check("call", most, spent, lambda: at_risk)
    except ConfigError:
        return False
    return True


def day(caps: FeeCaps, calls: list[tuple[Fri, Fri]]) -> tuple[Fri, list[tuple[Fri, Fri]]]:
    """What the day comes to when each call that may be sent costs the most it can, and which were."""
    spent, sent = ZERO, []
    for most, at_risk in calls:
        if may(caps, most, spent, at_risk):
            spent += most
            sent.append((most, at_risk))
    return spent, sent


def total(amounts: list[Fri]) -> Fri:
    return Fri(sum(amount.units for amount in amounts))


@given(caps, calls)
def test_a_day_without_risk_never_costs_more_than_its_cap(
    caps: FeeCaps, calls: list[tuple[Fri, Fri]]
) -> None:
    spent, sent = day(caps, [(most, ZERO) for most, _ in calls])
    assert spent <= caps.per_day
    assert all(most <= caps.per_tx for most, _ in sent)


@given(caps, calls)
def test_a_day_exceeds_its_cap_by_no_more_than_what_it_saved(
    caps: FeeCaps, calls: list[tuple[Fri, Fri]]
) -> None:
    spent, sent = day(caps, calls)
    assert spent <= caps.per_day + total([at_risk for _, at_risk in sent])
    assert all(most <= caps.per_tx + at_risk for most, at_risk in sent)


@given(caps, amounts, amounts, amounts, amounts)
def test_more_at_risk_or_less_spent_never_forbids_what_was_allowed(
    caps: FeeCaps, most: Fri, spent: Fri, at_risk: Fri, other: Fri
) -> None:
    if may(caps, most, spent + other, at_risk):
        assert may(caps, most, spent, at_risk)
        assert may(caps, most, spent + other, at_risk + other)


@given(caps, amounts, amounts)
def test_what_earlier_calls_exceeded_the_cap_by_is_not_held_against_a_later_one(
    caps: FeeCaps, most: Fri, beyond: Fri
) -> None:
    if most <= caps.per_tx:
        assert may(caps, most, caps.per_day + beyond, at_risk=most)


@given(caps, amounts, amounts)
def test_the_risk_is_asked_for_only_where_a_cap_stands_in_the_way(
    caps: FeeCaps, most: Fri, spent: Fri
) -> None:
    asked: list[bool] = []

    def at_risk() -> Fri:
        asked.append(True)
        return most

    caps.check("call", most, spent, at_risk)
    within = most <= caps.per_tx and spent + most <= caps.per_day
    assert bool(asked) is not (within or most == ZERO)


@pytest.mark.parametrize(
    ("most", "spent", "at_risk", "code"),
    [
        (10, 0, 0, None),
        (11, 0, 0, "fees.above_cap"),
        (11, 0, 1, None),
        (12, 0, 1, "fees.above_cap"),
        (10, 20, 0, None),
        (10, 21, 0, "fees.above_daily_cap"),
        (10, 21, 1, None),
        (10, 500, 9, "fees.above_daily_cap"),
        (10, 500, 10, None),
        (15, 30, 14, "fees.above_daily_cap"),
    ],
)
def test_of_ten_a_transaction_and_thirty_a_day(most: int, spent: int, at_risk: int, code: str | None) -> None:
    caps = FeeCaps(per_tx=Fri(10), per_day=Fri(30))
    if code is None:
        caps.check("reveal", Fri(most), Fri(spent), lambda: Fri(at_risk))
        return
    with pytest.raises(ConfigError) as caught:
        caps.check("reveal", Fri(most), Fri(spent), lambda: Fri(at_risk))
    assert caught.value.code == code
    assert "reveal" in caught.value.message
    assert "TILEPROOF_FEE_PER_" in caught.value.remedy
