"""What a deployment and an appeal may ask, and what is refused by which name. Terms are refused in
the ledger's suite, on the model and on the contract."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from tileproof.adapters.starknet.deploy import LOCAL_BOUNDS, PUBLIC_BOUNDS
from tileproof.domain.errors import LedgerRejected
from tileproof.domain.job import Appeal, Bounds, Ground, Outcome, Question
from tileproof.domain.money import Fri

from model.books import Charge
from model.checks import check_bounds, check_question, longest_audit_blocks
from tests.fakes.ledger import BOUNDS

LISTED, NAMED = Question.LISTED_TILE, Question.NAMED_TILE
PICTURE, WHOLE = Question.PICTURE, Question.WHOLE
TILE, MISSING = Charge(Ground.TILE, 3), Charge(Ground.MISSING, 1)


@contextmanager
def refused(reason: str) -> Iterator[None]:
    with pytest.raises(LedgerRejected) as caught:
        yield
    assert caught.value.reason == reason


@pytest.mark.parametrize("bounds", [BOUNDS, PUBLIC_BOUNDS, LOCAL_BOUNDS])
def test_the_bounds_that_are_deployed_are_possible(bounds: Bounds) -> None:
    check_bounds(bounds)


@pytest.mark.parametrize(
    ("reason", "changes"),
    [
        ("BAD_BOUNDS", {"max_tasks": 0}),
        ("BAD_BOUNDS", {"max_committee_size": 0}),
        ("BAD_BOUNDS", {"max_committee_size": 8}),
        ("BAD_BOUNDS", {"min_audit_rate_bps": 0}),
        ("BAD_BOUNDS", {"min_audit_rate_bps": 10_001}),
        ("BAD_BOUNDS", {"min_lease_seconds": 0}),
        ("BAD_BOUNDS", {"max_lease_seconds": 9}),
        ("BAD_BOUNDS", {"min_window_blocks": 0}),
        ("BAD_BOUNDS", {"min_window_blocks": 21}),
        ("BAD_BOUNDS", {"max_deadline_seconds": 9}),
        ("BAD_BOUNDS", {"max_deadline_seconds": 2**32}),
        ("BAD_BOUNDS", {"seat_bond": Fri(63)}),
        ("BAD_BOUNDS", {"lapse_share_bps": 10_001}),
        ("BAD_BOUNDS", {"seat_exit_blocks": 2**32}),
        ("AMOUNT_TOO_LARGE", {"seat_bond": Fri(2**96)}),
    ],
)
def test_bounds_that_no_job_could_keep_are_refused(reason: str, changes: dict[str, Any]) -> None:
    with refused(reason):
        check_bounds(replace(BOUNDS, **changes))


def test_a_seats_exit_outlasts_the_longest_audit_with_its_appeal() -> None:
    # Four rounds, each with a seed that ripens for ten blocks, and the window of the appeal.
    longest = 4 * (1 + 10 + 20 + 20) + 20
    assert longest_audit_blocks(20) == longest
    with refused("EXIT_TOO_SHORT"):
        check_bounds(replace(BOUNDS, seat_exit_blocks=longest))
    check_bounds(replace(BOUNDS, seat_exit_blocks=longest + 1))


EVERY = [
    Appeal(0, question, position, tile)
    for question in Question
    for position in (0, 1, 2)
    for tile in (0, 1, 3, 7)
]


@pytest.mark.parametrize(
    ("against", "charge", "fitting"),
    [
        (Outcome.REJECTED, TILE, [(LISTED, 0, 3)]),
        (Outcome.REJECTED, MISSING, [(PICTURE, 1, 0)]),
        (Outcome.UNAVAILABLE, None, [(WHOLE, 0, 0)]),
        (Outcome.NOT_DRAWN, None, [(NAMED, p, t) for p in (0, 1, 2) for t in (0, 1, 3, 7)]),
        (
            Outcome.ACCEPTED,
            None,
            [
                *((LISTED, 0, t) for t in (0, 1, 3, 7)),
                *((NAMED, p, t) for p in (0, 1, 2) for t in (0, 1, 3, 7)),
            ],
        ),
    ],
)
def test_an_appeal_may_ask_this_and_nothing_else(
    against: Outcome, charge: Charge | None, fitting: list[tuple[Question, int, int]]
) -> None:
    for appeal in EVERY:
        if (appeal.question, appeal.position, appeal.tile) in fitting:
            check_question(appeal, against, charge)
        else:
            with refused("BAD_QUESTION"):
                check_question(appeal, against, charge)
