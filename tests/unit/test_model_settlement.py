"""Who pays whom, row by row in numbers, and for every vote that there can be: what went in comes out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tileproof.domain.job import NO_SEAT, AppealOutcome, Ground, Lane, Outcome, Question, Terms, Verdict
from tileproof.domain.money import Fri

from model.books import Charge, Place
from model.settlement import Payout, Settled, least_worker_bond, payout
from model.status import appeal_majority, appealed, decision

R, F, B, A, SEAT = 1_000, 10, 120, 70, 640
FEES = 3 * F
TERMS = Terms(
    reward=Fri(R),
    audit_fee=Fri(F),
    worker_bond=Fri(B),
    committee_size=3,
    audit_rate_bps=10_000,
    lease_seconds=600,
    commit_blocks=10,
    reveal_blocks=10,
    appeal_blocks=5,
    deadline=2_000_000_000,
)
TILE, OTHER = Charge(Ground.TILE, 3), Charge(Ground.TILE, 4)
LETTERS = {
    "A": Place(0, 1, Verdict.ACCEPT),
    "R": Place(0, 1, Verdict.REJECT, TILE),
    "r": Place(0, 1, Verdict.REJECT, OTHER),
    "U": Place(0, 1, Verdict.UNAVAILABLE),
    "I": Place(0, 1, Verdict.INCONCLUSIVE),
    "s": Place(0),
    "o": Place(0, 1),
    "_": Place(NO_SEAT),
}
"""Accept, reject naming the tile, reject naming another, unavailable, inconclusive, silent, sealed
and never opened, and a place that nobody was found for."""


def votes(letters: str, first_slot: int = 0) -> tuple[Place, ...]:
    seated = enumerate((LETTERS[letter] for letter in letters), start=first_slot)
    return tuple(place if place.is_empty else replace(place, slot=slot) for slot, place in seated)


def settle(
    first: str,
    appeal: str = "",
    question: Question = Question.LISTED_TILE,
    *,
    closes: bool = False,
    lane: Lane = Lane.EXACT,
    bonds: int = SEAT,
) -> tuple[Settled, Payout]:
    """From votes to amounts: ``first`` the deciding round's, none where not drawn."""
    places, appeal_places = votes(first), votes(appeal, 100)
    against = decision(places).outcome if first else Outcome.NOT_DRAWN
    what = Settled(against, places)
    if appeal:
        outcome, came_to = appealed(against, appeal_majority(appeal_places))
        what = Settled(outcome, places, came_to, against, question, appeal_places)
    closes = closes or what.outcome is Outcome.NO_VERDICT
    return what, payout(replace(TERMS, lane=lane), what, closes, lambda slot: bonds)


def check(due: Payout, **expected: object) -> None:
    assert {name: getattr(due, name) for name in expected} == expected


# --- without an appeal ---


def test_an_accept_pays_reward_and_agreeing_seats_and_returns_the_other_fees() -> None:
    what, due = settle("AAI")
    assert what.outcome is Outcome.ACCEPTED
    check(due, worker=R + B, requester=F, seats=(F, F, 0), slashed=(0, 0, 0), forfeited=0)
    check(due, from_escrow=R + FEES, appellant=0)


def test_in_an_accepted_task_silence_costs_one_fee_and_a_verdict_never_opened_four() -> None:
    _, due = settle("AAs")
    check(due, requester=F, slashed=(0, 0, F), forfeited=F)
    _, due = settle("AAo")
    check(due, requester=F, slashed=(0, 0, 4 * F), forfeited=4 * F)
    _, due = settle("AA_")
    check(due, requester=F, slashed=(0, 0, 0), forfeited=0)


def test_a_task_not_drawn_returns_every_fee() -> None:
    what, due = settle("")
    assert what.outcome is Outcome.NOT_DRAWN
    check(due, worker=R + B, requester=FEES, seats=(), forfeited=0, from_escrow=R + FEES)


def test_a_reject_is_paid_from_the_bond_and_slashes_who_accepted_the_list() -> None:
    what, due = settle("RRA")
    assert what.outcome is Outcome.REJECTED
    check(due, worker=0, requester=0, from_escrow=0, seats=(F, F, 0), slashed=(0, 0, 4 * F))
    check(due, forfeited=B - 2 * F + 4 * F)


def test_a_reject_that_names_another_tile_than_the_majority_earns_nothing_and_loses_nothing() -> None:
    _, due = settle("RRr")
    check(due, seats=(F, F, 0), slashed=(0, 0, 0), forfeited=B - 2 * F)


def test_rejects_that_name_different_tiles_are_no_majority() -> None:
    what, _ = settle("RrA")
    assert what.outcome is Outcome.NO_VERDICT


def test_the_last_reject_returns_the_escrow() -> None:
    _, due = settle("RRR", closes=True)
    check(due, worker=0, requester=R + FEES, from_escrow=R + FEES, seats=(F, F, F), forfeited=B - 3 * F)


def test_withheld_bytes_cost_the_bond_and_slash_nobody_who_judged() -> None:
    what, due = settle("UUA")
    assert what.outcome is Outcome.UNAVAILABLE
    check(due, worker=0, seats=(F, F, 0), slashed=(0, 0, 0), forfeited=B - 2 * F)


def test_no_verdict_returns_bond_and_reward_and_forfeits_the_fees() -> None:
    what, due = settle("AIs")
    assert what.outcome is Outcome.NO_VERDICT
    check(due, worker=B, requester=R, from_escrow=R + FEES, seats=(0, 0, 0), slashed=(0, 0, F))
    check(due, forfeited=FEES + F)


# --- appeals ---


def test_a_worker_who_wins_gets_everything_and_who_was_proved_wrong_pays_the_committee() -> None:
    what, due = settle("RRA", "AAAAAAA")
    assert (what.outcome, what.appeal) == (Outcome.ACCEPTED, AppealOutcome.WON)
    check(due, worker=R + B, appellant=A, requester=FEES - F, seats=(0, 0, F), slashed=(40, 40, 0))
    check(due, appeal_seats=(F,) * 7, used_slashes=7 * F, forfeited=80 - 7 * F)


def test_when_the_liars_bonds_are_gone_the_fees_and_then_the_appeal_bond_pay_the_committee() -> None:
    _, due = settle("RRA", "AAAAAAA", bonds=5)
    assert due.slashed == (5, 5, 0)
    check(due, used_slashes=10, requester=0, appellant=A - (70 - 10 - 20), forfeited=0)


def test_a_seat_that_rejected_another_tile_than_the_one_appealed_is_not_proved_wrong() -> None:
    _, due = settle("RRr", "AAAAAAA")
    check(due, slashed=(40, 40, 0), worker=R + B, appellant=A)


def test_a_worker_who_loses_pays_the_committee_from_the_appeal_bond() -> None:
    what, due = settle("RRA", "RRRRrAs")
    assert (what.outcome, what.appeal) == (Outcome.REJECTED, AppealOutcome.LOST)
    check(due, worker=0, appellant=0, seats=(F, F, 0), slashed=(0, 0, 40))
    check(due, appeal_seats=(F, F, F, F, F, 0, 0), appeal_slashed=(0, 0, 0, 0, 0, 40, F))
    check(due, used_slashes=0, forfeited=(B - 2 * F) + (A - 5 * F) + 40 + 40 + F)


def test_an_unavailable_that_is_overturned_costs_the_appellant_at_most_four_fees() -> None:
    what, due = settle("UUU", "AAAAAAA", Question.WHOLE)
    assert (what.outcome, what.appeal) == (Outcome.ACCEPTED, AppealOutcome.WON)
    check(due, worker=R + B, slashed=(0, 0, 0), requester=0, appellant=A - 4 * F, forfeited=0)


@pytest.mark.parametrize(("says", "outcome"), [("R", Outcome.REJECTED), ("U", Outcome.UNAVAILABLE)])
def test_an_appeal_against_unavailable_that_is_not_accepted_is_lost(says: str, outcome: Outcome) -> None:
    what, due = settle("UUA", says * 7, Question.WHOLE)
    assert (what.outcome, what.appeal) == (outcome, AppealOutcome.LOST)
    check(due, worker=0, appellant=0, slashed=(0, 0, 0), appeal_seats=(F,) * 7)  # A fresh list
    assert due.seats == ((F, F, 0) if outcome is Outcome.UNAVAILABLE else (0, 0, 0))


def test_a_requester_who_wins_on_a_listed_tile_is_paid_back_and_all_who_accepted_it_are_slashed() -> None:
    what, due = settle("AAR", "RRRRAIs")
    assert (what.outcome, what.appeal) == (Outcome.REJECTED, AppealOutcome.WON)
    check(due, worker=0, appellant=A, requester=0, from_escrow=0)
    check(due, seats=(0, 0, F), slashed=(40, 40, 0))
    check(due, appeal_seats=(F, F, F, F, 0, 0, 0), appeal_slashed=(0, 0, 0, 0, 40, 0, F))
    check(due, used_slashes=0, forfeited=(B - F - 4 * F) + 80 + 40 + F)


def test_a_requester_who_wins_on_a_tile_of_their_own_slashes_nobody_who_judged_the_list() -> None:
    what, due = settle("AAA", "RRRRRRR", Question.NAMED_TILE)
    assert (what.outcome, what.appeal) == (Outcome.REJECTED, AppealOutcome.WON)
    check(due, slashed=(0, 0, 0), appeal_seats=(F,) * 7, forfeited=B - 7 * F, appellant=A)


def test_an_appeal_that_finds_the_bytes_withheld_takes_the_workers_bond_and_slashes_nobody() -> None:
    what, due = settle("AAA", "UUUUAAA")
    assert (what.outcome, what.appeal) == (Outcome.UNAVAILABLE, AppealOutcome.WON)
    check(due, worker=0, appellant=A, slashed=(0, 0, 0), appeal_slashed=(0,) * 7)
    check(due, appeal_seats=(F, F, F, F, 0, 0, 0), forfeited=B - 4 * F)


def test_a_requester_who_loses_pays_the_committee_and_the_worker_is_paid_all_the_same() -> None:
    what, due = settle("AAA", "AAAAAAR")
    assert (what.outcome, what.appeal) == (Outcome.ACCEPTED, AppealOutcome.LOST)
    check(due, worker=R + B, requester=0, appellant=0, seats=(F, F, F), slashed=(0, 0, 0))
    check(due, appeal_seats=(F,) * 6 + (0,), appeal_slashed=(0,) * 6 + (40,), forfeited=A - 6 * F + 40)


def test_a_task_not_drawn_can_be_lost_to_an_appeal() -> None:
    what, due = settle("", "RRRRRRR", Question.NAMED_TILE)
    assert (what.outcome, what.appeal) == (Outcome.REJECTED, AppealOutcome.WON)
    check(due, worker=0, appellant=A, appeal_seats=(F,) * 7, forfeited=B - 7 * F, from_escrow=0)


@pytest.mark.parametrize(("first", "outcome"), [("AAA", Outcome.ACCEPTED), ("RRR", Outcome.REJECTED)])
def test_an_appeal_without_majority_returns_its_bond_and_changes_nothing(
    first: str, outcome: Outcome
) -> None:
    what, due = settle(first, "AAARRRs")
    assert (what.outcome, what.appeal) == (outcome, AppealOutcome.UNDECIDED)
    check(due, appellant=A, appeal_seats=(0,) * 7, appeal_slashed=(0,) * 6 + (F,))
    assert due.forfeited == F + (B - 3 * F if outcome is Outcome.REJECTED else 0)


# --- the hash lane ---


def test_a_hash_lane_reject_withholds_the_pay_and_slashes_nobody_for_a_judgement() -> None:
    _, due = settle("RRA", lane=Lane.HASH)
    check(due, worker=B - 2 * F, seats=(F, F, 0), slashed=(0, 0, 0), forfeited=0)
    _, due = settle("RRo", lane=Lane.HASH)
    check(due, worker=B - 2 * F, slashed=(0, 0, 40), forfeited=40)
    _, due = settle("AAA", "RRRRRRA", lane=Lane.HASH)
    check(due, worker=B - 6 * F, slashed=(0, 0, 0), appeal_slashed=(0,) * 7, appellant=A, forfeited=0)
    _, due = settle("UUU", lane=Lane.HASH)
    check(due, worker=0, forfeited=B - 3 * F)


# --- for all votes ---

LANES = st.sampled_from(Lane)
FIRST = st.text("ARrUIso_", min_size=3, max_size=3) | st.just("")
APPEAL = st.text("ARrUIso_", min_size=7, max_size=7) | st.just("")


@settings(max_examples=1_500)
@given(FIRST, APPEAL, st.sampled_from(Question), st.booleans(), LANES, st.integers(0, 60))
def test_what_goes_in_comes_out_for_every_vote(
    first: str, appeal: str, question: Question, closes: bool, lane: Lane, bonds: int
) -> None:
    if first and decision(votes(first)).outcome is Outcome.NO_VERDICT:
        appeal = ""  # Nobody can appeal it
    what, due = settle(first, appeal, question, closes=closes, lane=lane, bonds=bonds)
    appeal_bond = A if appeal else 0
    came_in = due.from_escrow + B + appeal_bond + due.taken_from_seats
    went_out = due.worker + due.requester + due.appellant + due.paid_to_seats + due.forfeited
    assert came_in == went_out
    amounts = (due.worker, due.requester, due.appellant, due.forfeited, due.used_slashes)
    assert min(amounts) >= 0
    assert due.from_escrow in (0, R + FEES)
    # Nobody is paid above what the table names, nor slashed above four fees or what is there.
    assert due.worker <= R + B
    assert due.appellant <= appeal_bond
    assert all(paid in (0, F) for paid in (*due.seats, *due.appeal_seats))
    assert all(0 <= taken <= min(4 * F, bonds) for taken in (*due.slashed, *due.appeal_slashed))
    # Nobody is paid and slashed at once, and whoever judged nothing is neither proved wrong nor paid.
    for places, paid, taken in (
        (what.places, due.seats, due.slashed),
        (what.appeal_places, due.appeal_seats, due.appeal_slashed),
    ):
        for place, fee, lost in zip(places, paid, taken, strict=True):
            assert not (fee and lost)
            if place.verdict in (Verdict.INCONCLUSIVE, Verdict.UNAVAILABLE):
                assert lost == 0
            if place.is_empty or place.verdict in (None, Verdict.INCONCLUSIVE):
                assert fee == 0


@given(FIRST.filter(bool), APPEAL, st.sampled_from(Question), st.booleans())
def test_in_the_hash_lane_no_judgement_takes_more_than_what_its_audits_cost(
    first: str, appeal: str, question: Question, closes: bool
) -> None:
    """Whatever anybody says about likeness: only withheld bytes cost the bond, only silence a seat."""
    if decision(votes(first)).outcome is Outcome.NO_VERDICT:
        appeal = ""
    what, due = settle(first, appeal, question, closes=closes, lane=Lane.HASH)
    if what.outcome is not Outcome.UNAVAILABLE:
        assert due.worker >= B - due.paid_to_seats
    places = (
        *zip(what.places, due.slashed, strict=True),
        *zip(what.appeal_places, due.appeal_slashed, strict=True),
    )
    assert all(taken == 0 for place, taken in places if place.verdict is not None)


@given(FIRST.filter(bool), st.integers(0, 2), LANES)
def test_one_more_accept_never_costs_the_worker(first: str, place: int, lane: Lane) -> None:
    """Settlement is monotonic: no vote turned into an accept leaves the worker less."""
    kinder = first[:place] + "A" + first[place + 1 :]
    assert settle(kinder, lane=lane)[1].worker >= settle(first, lane=lane)[1].worker


@given(
    st.integers(1, 2**96 - 1),
    st.integers(1, 2**96 - 1),
    st.sampled_from((1, 3, 5, 7)),
    st.integers(1, 10_000),
)
def test_the_least_bond_deters_and_covers_both_committees(
    reward: int, fee: int, size: int, rate: int
) -> None:
    terms = replace(TERMS, reward=Fri(reward), audit_fee=Fri(fee), committee_size=size, audit_rate_bps=rate)
    bond = least_worker_bond(terms)
    assert bond >= size * fee + (2 * size + 1) * fee
    assert bond * rate >= reward * (10_000 - rate)  # q x B >= (1 - q) x R
    slack = bond - 1
    assert slack * rate < reward * (10_000 - rate) or slack < (3 * size + 1) * fee
