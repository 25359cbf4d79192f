"""What is refused, and under which name: terms, a deployment's bounds, and what an appeal asks."""

from __future__ import annotations

from tileproof.domain.errors import LedgerRejected
from tileproof.domain.job import Appeal, Bounds, Ground, Outcome, Question, Terms
from tileproof.domain.sampling import BPS

from .books import Charge
from .settlement import least_worker_bond
from .status import HASH_AGE

MAX_COMMITTEE = 7
AMOUNT_LIMIT = 2**96
SPAN_LIMIT = 2**32
FEES_PER_SEAT_BOND = 64
MOST_FEES_PER_SEAT_BOND = 65_536


def require(holds: bool, reason: str) -> None:
    """Raises LedgerRejected with this reason unless it holds."""
    if not holds:
        raise LedgerRejected(reason)


def check_terms(terms: Terms, task_count: int, bounds: Bounds, now: int) -> None:
    require(0 < task_count <= bounds.max_tasks, "TASK_COUNT")
    require(terms.reward.units > 0, "REWARD_ZERO")
    amounts = (terms.reward, terms.audit_fee, terms.worker_bond)
    require(all(amount.units < AMOUNT_LIMIT for amount in amounts), "AMOUNT_TOO_LARGE")
    size = terms.committee_size
    require(size % 2 == 1 and size <= bounds.max_committee_size, "COMMITTEE_SIZE")
    require(bounds.min_audit_rate_bps <= terms.audit_rate_bps <= BPS, "AUDIT_RATE")
    require(terms.audit_fee.units * MOST_FEES_PER_SEAT_BOND >= bounds.seat_bond.units, "AUDIT_FEE_TOO_LOW")
    require(terms.audit_fee.units <= bounds.seat_bond.units // FEES_PER_SEAT_BOND, "AUDIT_FEE_TOO_HIGH")
    require(terms.worker_bond.units >= least_worker_bond(terms), "WORKER_BOND_TOO_LOW")
    require(bounds.min_lease_seconds <= terms.lease_seconds <= bounds.max_lease_seconds, "LEASE")
    windows = (terms.commit_blocks, terms.reveal_blocks, terms.appeal_blocks)
    least, most = bounds.min_window_blocks, bounds.max_window_blocks
    require(all(least <= window <= most for window in windows), "WINDOW")
    ahead = terms.deadline - now
    require(terms.lease_seconds <= ahead <= bounds.max_deadline_seconds, "DEADLINE")


def check_bounds(bounds: Bounds) -> None:
    """Refuses bounds that no job could keep, and an exit by which a seat could escape an audit."""
    require(bounds.max_tasks > 0, "BAD_BOUNDS")
    require(0 < bounds.max_committee_size <= MAX_COMMITTEE, "BAD_BOUNDS")
    require(0 < bounds.min_audit_rate_bps <= BPS, "BAD_BOUNDS")
    require(0 < bounds.min_lease_seconds <= bounds.max_lease_seconds, "BAD_BOUNDS")
    require(0 < bounds.min_window_blocks <= bounds.max_window_blocks, "BAD_BOUNDS")
    require(bounds.min_lease_seconds <= bounds.max_deadline_seconds < SPAN_LIMIT, "BAD_BOUNDS")
    require(bounds.seat_bond.units >= FEES_PER_SEAT_BOND, "BAD_BOUNDS")
    require(bounds.seat_bond.units < AMOUNT_LIMIT, "AMOUNT_TOO_LARGE")
    require(bounds.lapse_share_bps <= BPS, "BAD_BOUNDS")
    require(bounds.seat_exit_blocks < SPAN_LIMIT, "BAD_BOUNDS")
    require(bounds.seat_exit_blocks > longest_audit_blocks(bounds.max_window_blocks), "EXIT_TOO_SHORT")


def longest_audit_blocks(window: int) -> int:
    """Three rounds, the appeal window and the appeal's round, with every window used up and a seed
    block that matures before each round."""
    return 4 * (1 + HASH_AGE + 2 * window) + window


def check_question(appeal: Appeal, against: Outcome, charge: Charge | None) -> None:
    """An appeal asks about what was judged, and names nothing besides. Whether a tile or picture of
    that number exists is for the committee: the contract does not know the manifest."""
    asks = (appeal.question, appeal.position, appeal.tile)
    if against is Outcome.REJECTED:
        assert charge is not None
        if charge.ground is Ground.TILE:
            fits = asks == (Question.LISTED_TILE, 0, charge.index)
        else:
            fits = asks == (Question.PICTURE, charge.index, 0)
    elif against is Outcome.UNAVAILABLE:
        fits = asks == (Question.WHOLE, 0, 0)
    elif appeal.question is Question.LISTED_TILE:
        fits = against is Outcome.ACCEPTED and appeal.position == 0
    else:
        fits = appeal.question is Question.NAMED_TILE
    require(fits, "BAD_QUESTION")
