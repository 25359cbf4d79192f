"""States are computed: majorities, what an appeal comes to, and time that only moves on."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tileproof.domain.job import Address, AppealOutcome, Outcome, Question, TaskState, Verdict

from model.books import AppealRecord, Cell, Round
from model.checks import longest_audit_blocks
from model.status import HASH_AGE, appeal_majority, appealed, decision, phase_of, status_of

from .test_model_settlement import OTHER, TERMS, TILE, votes

NOT_DRAWN, ACCEPTED = Outcome.NOT_DRAWN, Outcome.ACCEPTED
REJECTED, UNAVAILABLE = Outcome.REJECTED, Outcome.UNAVAILABLE
WON, LOST, UNDECIDED = AppealOutcome.WON, AppealOutcome.LOST, AppealOutcome.UNDECIDED
S = TaskState
DRAWN = 100
VOTES = st.text("ARrUIso_", min_size=3, max_size=3)


# --- majorities ---


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ("AAR", ACCEPTED),
        ("AA_", ACCEPTED),
        ("RRA", REJECTED),
        ("RrA", Outcome.NO_VERDICT),
        ("UUs", UNAVAILABLE),
        ("IIA", Outcome.NO_VERDICT),
        ("ARU", Outcome.NO_VERDICT),
        ("A__", Outcome.NO_VERDICT),
        ("___", Outcome.NO_VERDICT),
    ],
)
def test_a_majority_of_all_places_says_the_same(said: str, outcome: Outcome) -> None:
    assert decision(votes(said)).outcome is outcome


def test_a_reject_is_on_what_its_majority_names() -> None:
    assert decision(votes("rRR")).charge == TILE
    assert decision(votes("rRr")).charge == OTHER
    assert decision(votes("AAR")).charge is None


def test_an_appeals_rejects_agree_whatever_they_name() -> None:
    assert appeal_majority(votes("RrRrAAA")) is Verdict.REJECT
    assert appeal_majority(votes("RrRAAAs")) is None
    assert appeal_majority(votes("IIIIIII")) is None


@pytest.mark.parametrize(
    ("against", "says", "final", "came_to"),
    [
        (REJECTED, "A", ACCEPTED, WON),
        (REJECTED, "R", REJECTED, LOST),
        (REJECTED, "U", REJECTED, LOST),
        (UNAVAILABLE, "A", ACCEPTED, WON),
        (UNAVAILABLE, "R", REJECTED, LOST),
        (UNAVAILABLE, "U", UNAVAILABLE, LOST),
        (ACCEPTED, "R", REJECTED, WON),
        (ACCEPTED, "U", UNAVAILABLE, WON),
        (ACCEPTED, "A", ACCEPTED, LOST),
        (NOT_DRAWN, "R", REJECTED, WON),
        (NOT_DRAWN, "U", UNAVAILABLE, WON),
        (NOT_DRAWN, "A", NOT_DRAWN, LOST),
        *((against, "I", against, UNDECIDED) for against in (REJECTED, UNAVAILABLE, ACCEPTED, NOT_DRAWN)),
    ],
)
def test_the_appeals_majority_is_final(
    against: Outcome, says: str, final: Outcome, came_to: AppealOutcome
) -> None:
    assert appealed(against, appeal_majority(votes(says * 7))) == (final, came_to)


# --- time ---


def running(said: str, number: int = 0, sealed_block: int = 104, opened_block: int = 107) -> Cell:
    """A submitted task whose committee was drawn in block 100 and has done this."""
    round_ = Round(number, 80, 1, DRAWN, True, votes(said), sealed_block, opened_block)
    return Cell(state=S.SUBMITTED, worker=Address(1), claim_block=60, submit_block=79, round=round_)


def states(cell: Cell, blocks: range = range(DRAWN, DRAWN + 60)) -> list[TaskState]:
    """The states that it passes through when nobody does anything."""
    seen: list[TaskState] = []
    for block in blocks:
        state = status_of(cell, TERMS, block, 0).state
        if not seen or seen[-1] is not state:
            seen.append(state)
    return seen


def test_a_round_that_all_have_spoken_in_waits_for_no_window() -> None:
    assert states(running("AAA"), range(107, 130)) == [S.PROVISIONAL, S.SETTLEABLE]
    assert status_of(running("AAA"), TERMS, 107, 0).window_ends == 107 + TERMS.appeal_blocks


def test_silence_is_waited_for_until_its_windows_end() -> None:
    assert states(running("sss")) == [S.COMMITTING, S.SUBMITTED, S.DRAWABLE]
    assert states(running("AAs")) == [S.COMMITTING, S.PROVISIONAL, S.SETTLEABLE]
    assert states(running("Aoo")) == [S.COMMITTING, S.REVEALING, S.SUBMITTED, S.DRAWABLE]
    half = running("Aos").round
    assert half is not None
    assert phase_of(half, TERMS, DRAWN + 10) == (S.REVEALING, DRAWN + 20)


def test_the_third_round_without_majority_is_the_last() -> None:
    assert states(running("ssI", number=2)) == [S.COMMITTING, S.PROVISIONAL, S.SETTLEABLE]
    late = status_of(running("ssI", number=2), TERMS, DRAWN + 59, 0)
    assert late.outcome is Outcome.NO_VERDICT


def test_a_redraw_waits_for_the_block_after_the_failed_round() -> None:
    waiting = status_of(running("AIR"), TERMS, 107, 0)
    assert (waiting.state, waiting.round, waiting.seed_block) == (S.SUBMITTED, 1, 108)
    assert status_of(running("AIR"), TERMS, 108 + HASH_AGE - 1, 0).state is S.SUBMITTED
    assert status_of(running("AIR"), TERMS, 108 + HASH_AGE, 0).state is S.DRAWABLE


def test_an_appeal_waits_for_its_seed_votes_and_is_final_at_once() -> None:
    record = AppealRecord(Address(1), REJECTED, Question.LISTED_TILE, 0, 3, 110)
    cell = replace(running("RRA"), appeal=record)
    assert states(cell, range(110, 200)) == [S.APPEALED, S.DRAWABLE]
    assert status_of(cell, TERMS, 111 + HASH_AGE, 0).seed_block == 111
    drawn = replace(record, round=Round(3, 111, 2, 130, True, votes("ooooooo"), 133, 0))
    assert states(replace(cell, appeal=drawn), range(133, 200)) == [S.REVEALING, S.SETTLEABLE]
    spoken = replace(record, round=Round(3, 111, 2, 130, True, votes("AAAAAAA"), 133, 136))
    last = status_of(replace(cell, appeal=spoken), TERMS, 136, 0)
    assert (last.state, last.outcome, last.appeal, last.round) == (S.SETTLEABLE, ACCEPTED, WON, 3)


ONWARD = {
    S.APPEALED: {S.DRAWABLE},
    S.SUBMITTED: {S.DRAWABLE},
    S.COMMITTING: {S.REVEALING, S.SUBMITTED, S.PROVISIONAL, S.SETTLEABLE},
    S.REVEALING: {S.SUBMITTED, S.PROVISIONAL, S.SETTLEABLE},
    S.PROVISIONAL: {S.SETTLEABLE},
}
"""What time alone may do."""


@given(VOTES, st.integers(0, 2), st.integers(1, 9), st.integers(0, 9))
def test_time_alone_moves_a_task_only_along_the_graph_and_to_an_end(
    said: str, number: int, sealing: int, opening: int
) -> None:
    cell = running(said, number, DRAWN + sealing, DRAWN + sealing + opening)
    seen = states(cell, range(DRAWN, DRAWN + longest_audit_blocks(10)))
    assert all(after in ONWARD[before] for before, after in pairwise(seen))
    assert seen[-1] in (S.DRAWABLE, S.SETTLEABLE)


@given(VOTES, st.integers(0, 60))
def test_a_window_that_runs_ends_in_the_future_and_the_next_state_begins_with_its_end(
    said: str, ahead: int
) -> None:
    cell = running(said)
    status = status_of(cell, TERMS, DRAWN + ahead, 0)
    if status.window_ends:
        assert status.window_ends > DRAWN + ahead
        assert status_of(cell, TERMS, status.window_ends - 1, 0) == status
        assert status_of(cell, TERMS, status.window_ends, 0) != status
