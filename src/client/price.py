"""Terms and their price, held against what the contract allows and the wallet holds."""

from __future__ import annotations

from dataclasses import dataclass

from ..domain.errors import InputError
from ..domain.job import Bounds, Lane, Terms
from ..domain.money import Fri
from ..domain.sampling import BPS
from .request import Offer

FEE_SHARE_OF_SEAT = 64
LEAST_FEE_SHARE_OF_SEAT = 65_536
"""An audit fee is at most this fraction of a seat's bond (docs/protocol.md), so that a wrong
verdict always costs a seat far more than a right one earns."""

DEFAULT_FEE_SHARE = 8
"""Where nobody names an audit fee, it is this fraction of the reward (docs/economics.md): an audit's work
grows with the task's."""

SENDING_SECONDS = 60
"""Kept free between deadline and lease: the contract counts from the block that takes the job."""


@dataclass(frozen=True, slots=True)
class Means:
    """What the ledger says at the moment of planning."""

    timestamp: int  # Unix seconds by the chain's clock
    wallet: Fri
    active_seats: int  # those of the requester, who is never drawn, left out
    bounds: Bounds


def least_bond(reward: Fri, audit_fee: Fri, committee_size: int, audit_rate_bps: int) -> Fri:
    """max(R x (1/q - 1), (3n + 1) x f), rounded up (docs/protocol.md, Terms)."""
    against_cheating = -(-reward.units * (BPS - audit_rate_bps) // audit_rate_bps)
    against_audits = (3 * committee_size + 1) * audit_fee.units
    return Fri(max(against_cheating, against_audits))


def default_fee(reward: Fri, least: Fri, most: Fri) -> Fri:
    """An eighth of the reward, rounded up, within what the contract takes."""
    return min(max(Fri(-(-reward.units // DEFAULT_FEE_SHARE)), least), most)


def check_reward(offer: Offer) -> None:
    """What needs no ledger to be refused. Raises InputError ``terms.reward_zero``."""
    if offer.reward.units == 0:
        raise InputError(
            "terms.reward_zero", "the reward is zero", remedy="offer something: --reward 0.5 is half a STRK"
        )


def make_terms(offer: Offer, bounds: Bounds, timestamp: int, lane: Lane) -> Terms:
    """The offer as terms that the contract will take; ``lane`` is the manifest's
    (``AuditPolicy.settled_in``).

    Raises InputError, each naming the value and what is allowed: ``terms.reward_zero``,
    ``terms.committee_size``, ``terms.audit_rate``, ``terms.audit_fee``, ``terms.bond``,
    ``terms.lease``, ``terms.window``, ``terms.deadline``.
    """
    check_reward(offer)
    size = offer.committee_size
    if size % 2 == 0 or not 1 <= size <= bounds.max_committee_size:
        raise _outside(
            "terms.committee_size", "committee size", size, "an odd number", 1, bounds.max_committee_size
        )
    if not max(1, bounds.min_audit_rate_bps) <= offer.audit_rate_bps <= BPS:
        raise _outside(
            "terms.audit_rate",
            "audit rate",
            offer.audit_rate_bps / BPS,
            "a share",
            bounds.min_audit_rate_bps / BPS,
            1,
        )
    most_fee = Fri(bounds.seat_bond.units // FEE_SHARE_OF_SEAT)
    least_fee = Fri(-(-bounds.seat_bond.units // LEAST_FEE_SHARE_OF_SEAT))
    fee = default_fee(offer.reward, least_fee, most_fee) if offer.audit_fee is None else offer.audit_fee
    if not least_fee <= fee <= most_fee:
        raise _outside("terms.audit_fee", "audit fee", fee, "an amount", least_fee, most_fee)
    least = least_bond(offer.reward, fee, size, offer.audit_rate_bps)
    bond = least if offer.worker_bond is None else offer.worker_bond
    if bond < least:
        raise InputError(
            "terms.bond",
            f"a bond of {bond} would let a worker gain by cheating",
            remedy=f"ask for at least {least}, or leave --bond out",
            bond=bond,
            least=least,
        )
    low, high = bounds.min_window_blocks, bounds.max_window_blocks

    def window(name: str, given: int | None, default: int) -> int:
        return _within("terms.window", f"{name} window in blocks", given, default, low, high)

    deadline = _within(
        "terms.deadline",
        "time to the deadline in seconds",
        offer.deadline_seconds,
        offer.default_deadline_seconds,
        1,
        bounds.max_deadline_seconds,
    )
    lease = _within(
        "terms.lease",
        "lease in seconds",
        offer.lease_seconds,
        min(offer.default_lease_seconds, deadline - SENDING_SECONDS),
        bounds.min_lease_seconds,
        bounds.max_lease_seconds,
    )
    if lease + SENDING_SECONDS > deadline:
        raise InputError(
            "terms.deadline",
            f"a lease of {lease} s does not fit before a deadline in {deadline} s",
            remedy="move the deadline, or shorten the lease",
            lease_seconds=lease,
            deadline_seconds=deadline,
        )
    return Terms(
        reward=offer.reward,
        audit_fee=fee,
        worker_bond=bond,
        committee_size=size,
        audit_rate_bps=offer.audit_rate_bps,
        lease_seconds=lease,
        commit_blocks=window("commit", offer.commit_blocks, offer.default_commit_blocks),
        reveal_blocks=window("reveal", offer.reveal_blocks, offer.default_reveal_blocks),
        appeal_blocks=window("appeal", offer.appeal_blocks, offer.default_appeal_blocks),
        deadline=timestamp + deadline,
        lane=lane,
    )


def check_means(terms: Terms, task_count: int, means: Means) -> Fri:
    """The escrow, once it is sure that the job can be paid and audited.

    Raises InputError: ``terms.too_many_tasks``, ``terms.too_few_verifiers``,
    ``money.balance_too_small``.
    """
    if not 1 <= task_count <= means.bounds.max_tasks:
        raise InputError(
            "terms.too_many_tasks",
            f"{task_count} tasks are more than the {means.bounds.max_tasks} that one job may have",
            remedy="take more --frames-per-task, fewer regions, or several jobs",
            tasks=task_count,
            at_most=means.bounds.max_tasks,
        )
    if means.active_seats < terms.least_seats:
        raise InputError(
            "terms.too_few_verifiers",
            f"{means.active_seats} verifier seats are active; a committee of {terms.committee_size} and one "
            f"for an appeal ask for {terms.least_seats}",
            remedy="wait for verifiers, or ask for a smaller --committee",
            active_seats=means.active_seats,
            at_least=terms.least_seats,
        )
    escrow = terms.escrow(task_count)
    if escrow > means.wallet:
        raise InputError(
            "money.balance_too_small",
            f"the job takes {escrow} and the wallet holds {means.wallet}",
            remedy="offer less, render less, or fund the account (`tileproof account show`)",
            escrow=escrow,
            wallet=means.wallet,
        )
    return escrow


def _within(code: str, what: str, given: int | None, default: int, low: int, high: int) -> int:
    if given is None:
        return min(max(default, low), high)
    if not low <= given <= high:
        raise _outside(code, what, given, "a number", low, high)
    return given


def _outside(code: str, what: str, value: object, kind: str, low: object, high: object) -> InputError:
    return InputError(
        code,
        f"{what} {value} is outside what this contract allows",
        remedy=f"give {kind} from {low} to {high}",
        value=value,
        low=low,
        high=high,
    )
