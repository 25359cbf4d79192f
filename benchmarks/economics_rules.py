"""The contract's own rules, asked once for each combination of votes: ``model/`` decides and pays.

Who sits where does not matter to the rules, only how many said what; a round is therefore a number
whose digits count its votes.
"""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray
from tileproof.domain.job import Ground, Outcome, Question, Terms, Verdict
from tileproof.domain.money import Fri
from tileproof.domain.sampling import BPS

from model.books import Charge, Place
from model.settlement import Settled, fees_lost_unheard, least_worker_bond, payout
from model.status import appeal_majority, appealed, decision

UNIT = 10**12
"""R in fri: every amount of the game is a whole number of them."""
SEAT_BOND = 100 * UNIT
ACCEPT, REJECT, REJECT_OTHER, UNAVAILABLE, INCONCLUSIVE, SILENT, UNREVEALED = range(7)
VOTES = 7
_SEALED = 1
_PLACES = {
    ACCEPT: Place(0, _SEALED, Verdict.ACCEPT),
    REJECT: Place(0, _SEALED, Verdict.REJECT, Charge(Ground.TILE, 0)),
    REJECT_OTHER: Place(0, _SEALED, Verdict.REJECT, Charge(Ground.TILE, 1)),
    UNAVAILABLE: Place(0, _SEALED, Verdict.UNAVAILABLE),
    INCONCLUSIVE: Place(0, _SEALED, Verdict.INCONCLUSIVE),
    SILENT: Place(0),
    UNREVEALED: Place(0, _SEALED),
}
BASE = 16
"""More than any committee's places."""
WEIGHTS: NDArray[np.int64] = BASE ** np.arange(VOTES, dtype=np.int64)
FEES_UNHEARD = np.array([fees_lost_unheard(_PLACES[vote]) for vote in range(VOTES)], dtype=float)

OUTCOMES = tuple(Outcome)
NOT_DRAWN, ACCEPTED, REJECTED, UNAVAILABLE_OUTCOME, NO_VERDICT = (
    OUTCOMES.index(each)
    for each in (
        Outcome.NOT_DRAWN,
        Outcome.ACCEPTED,
        Outcome.REJECTED,
        Outcome.UNAVAILABLE,
        Outcome.NO_VERDICT,
    )
)
NOT_ASKED = 0
QUESTIONS = (None, *Question)
LISTED_TILE, NAMED_TILE, WHOLE = (
    QUESTIONS.index(each) for each in (Question.LISTED_TILE, Question.NAMED_TILE, Question.WHOLE)
)

WORKER, REQUESTER, APPELLANT, FORFEITED, FINAL, FIRST, APPEAL = 0, 1, 2, 3, 4, 5, 5 + VOTES
ROW = 5 + 2 * VOTES
"""What a settlement comes to, in R: the worker's gain or loss with its bond, the requester's with
the escrow, the appellant's with the appeal bond, what is forfeited, the final outcome's number, and what
each vote of the first and of the appeal's round gains or loses."""


def make_terms(committee_size: int, audit_rate: float, fee: float, bond: float | None = None) -> Terms:
    """Terms with R = 1; without ``bond`` the least that the contract takes."""

    def terms(worker_bond: int) -> Terms:
        return Terms(
            reward=Fri(UNIT),
            audit_fee=Fri(round(fee * UNIT)),
            worker_bond=Fri(worker_bond),
            committee_size=committee_size,
            audit_rate_bps=round(audit_rate * BPS),
            lease_seconds=3600,
            commit_blocks=300,
            reveal_blocks=150,
            appeal_blocks=150,
            deadline=2**40,
        )

    return terms(least_worker_bond(terms(0)) if bond is None else round(bond * UNIT))


def places_of(key: int) -> tuple[Place, ...]:
    """The round that a number stands for; slots do not matter here."""
    counts = ((key // int(WEIGHTS[vote])) % BASE for vote in range(VOTES))
    return tuple(_PLACES[vote] for vote, count in enumerate(counts) for _ in range(count))


@cache
def decide(key: int) -> tuple[int, int]:
    """The number of the outcome, and the vote whose charge a rejecting majority named, else -1."""
    said = decision(places_of(key))
    vote = next((v for v in (REJECT, REJECT_OTHER) if said.charge == _PLACES[v].charge), -1)
    return OUTCOMES.index(said.outcome), vote if said.charge is not None else -1


@lru_cache(maxsize=500_000)
def settle(terms: Terms, first: int, question: int, appeal: int, last: bool) -> tuple[float, ...]:
    """The ROW of one attempt. ``first`` is 0 for a task that was not drawn; ``last``: a reject or
    unavailable would be the task's third."""
    places = places_of(first)
    against = decision(places).outcome if first else Outcome.NOT_DRAWN
    what = Settled(against, places)
    asked = QUESTIONS[question]
    if asked is not None:
        appeal_places = places_of(appeal)
        outcome, came_to = appealed(against, appeal_majority(appeal_places))
        what = Settled(outcome, places, came_to, against, asked, appeal_places)
    failed = what.outcome.hurts_worker
    closes = what.outcome is Outcome.NO_VERDICT or (failed and last)
    due = payout(terms, what, closes, lambda _: SEAT_BOND)
    row = [0.0] * ROW
    row[WORKER] = due.worker - terms.worker_bond.units
    row[REQUESTER] = due.requester - due.from_escrow
    row[APPELLANT] = due.appellant - (terms.appeal_bond.units if asked is not None else 0)
    row[FORFEITED] = due.forfeited
    for start, sat, paid, slashed in (
        (FIRST, what.places, due.seats, due.slashed),
        (APPEAL, what.appeal_places, due.appeal_seats, due.appeal_slashed),
    ):
        for place, gain, loss in zip(sat, paid, slashed, strict=True):
            row[start + _vote_of(place)] = gain - loss
    row = [amount / UNIT for amount in row]
    row[FINAL] = OUTCOMES.index(what.outcome)
    return tuple(row)


def _vote_of(place: Place) -> int:
    return next(vote for vote, known in _PLACES.items() if known == place)
