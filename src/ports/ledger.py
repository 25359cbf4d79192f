"""The contract as Python sees it.

Every call is synchronous. Reads answer from the latest block (pending state is never
shown), computed as of that block or, on some nodes, of the one to come. Writes return once
the transaction is in an accepted block, or raise; a write that raises ``LedgerRejected`` had
no effect. Whoever implements this lets each intent take effect at most once: a write
interrupted by a crash is reconciled on the next start, and only the same signed bytes are
ever sent again.

Raises, for all: ``ServiceError`` (``ledger.unreachable``, retryable, …), ``LedgerRejected``
with the contract's named reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..domain.cid import Cid
from ..domain.job import (
    Address,
    Appeal,
    AppealOutcome,
    Balances,
    Bounds,
    Commitment,
    Ground,
    Job,
    Outcome,
    Question,
    Reveal,
    Seat,
    Task,
    TaskResult,
    Terms,
    Totals,
    Verdict,
)
from ..domain.money import ZERO, Fri
from .trail import Trail


@dataclass(frozen=True, slots=True)
class GasPrices:
    """What one unit of gas costs."""

    l2: Fri = ZERO
    l1_data: Fri = ZERO


@dataclass(frozen=True, slots=True)
class Head:
    """The newest accepted block."""

    block: int
    timestamp: int  # Unix seconds by the chain's clock; leases count in these
    block_hash: int
    gas: GasPrices = GasPrices()


@dataclass(frozen=True, slots=True)
class Receipt:
    """A write that is in an accepted block."""

    tx_hash: int
    block: int
    fee: Fri
    gas_l2: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """Base of what the contract reported. ``block`` and ``tx_hash`` say where."""

    block: int
    tx_hash: int
    job_id: int


@dataclass(frozen=True, slots=True)
class JobCreated(Event):
    requester: Address
    manifest: Cid
    task_count: int
    terms: Terms


@dataclass(frozen=True, slots=True)
class JobPaused(Event):
    pass


@dataclass(frozen=True, slots=True)
class JobResumed(Event):
    pass


@dataclass(frozen=True, slots=True)
class JobClosed(Event):
    pass


@dataclass(frozen=True, slots=True)
class TaskEvent(Event):
    task: int


@dataclass(frozen=True, slots=True)
class TaskClosed(TaskEvent):
    refund: Fri


@dataclass(frozen=True, slots=True)
class TaskClaimed(TaskEvent):
    worker: Address
    attempt: int
    lease_until: int


@dataclass(frozen=True, slots=True)
class ClaimLapsed(TaskEvent):
    worker: Address
    forfeited: Fri


@dataclass(frozen=True, slots=True)
class ClaimGivenBack(TaskEvent):
    worker: Address
    forfeited: Fri


@dataclass(frozen=True, slots=True)
class ResultSubmitted(TaskEvent):
    worker: Address
    attempt: int
    result: Cid
    seed_block: int


@dataclass(frozen=True, slots=True)
class TaskDrawn(TaskEvent):
    attempt: int
    round: int
    audited: bool
    audit_seed: int
    seats: tuple[int, ...]  # slots; NO_SEAT for an empty one


@dataclass(frozen=True, slots=True)
class VerdictCommitted(TaskEvent):
    verifier: Address
    seat: int


@dataclass(frozen=True, slots=True)
class VerdictRevealed(TaskEvent):
    verifier: Address
    attempt: int
    round: int
    seat: int
    verdict: Verdict
    ground: Ground
    index: int
    evidence: Cid


@dataclass(frozen=True, slots=True)
class AppealRaised(TaskEvent):
    appellant: Address
    attempt: int
    against: Outcome
    question: Question
    position: int
    tile: int
    bond: Fri
    seed_block: int


@dataclass(frozen=True, slots=True)
class TaskSettled(TaskEvent):
    worker: Address
    attempt: int
    outcome: Outcome
    paid_to_worker: Fri  # the reward, without the returned bond; 0 unless paid
    appeal: AppealOutcome = AppealOutcome.NONE


@dataclass(frozen=True, slots=True)
class SeatSlashed(TaskEvent):
    slot: int
    amount: Fri


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events in ledger order from a cursor on; pass ``cursor`` to the next call.

    ``cursor`` names the block after the last one that the page covers completely, so a page
    read twice is the same page, and none is skipped when the process restarts. All of a page is
    of one chain: one that is reorganised while it is read is read again.

    For a follower, which passes the ``trail`` of its last page: ``rewound_to`` is None, or the
    first block whose events are others than those it was told. Then whatever it took in from
    blocks >= ``rewound_to`` never happened, ``events`` begins there instead of at the cursor, and
    the new cursor may lie before the old one.
    """

    events: tuple[Event, ...]
    cursor: int
    trail: Trail | None = None
    rewound_to: int | None = None


class LedgerReader(Protocol):
    """What anyone can read."""

    def head(self) -> Head: ...

    def chain_id(self) -> int:
        """The chain's id as a felt, part of every seed and commitment."""
        ...

    def contract(self) -> Address: ...

    def bounds(self) -> Bounds: ...

    def totals(self) -> Totals: ...

    def job_count(self) -> int: ...

    def job(self, job_id: int) -> Job:
        """Raises InputError ``job.unknown`` when there is none with this id."""
        ...

    def task(self, job_id: int, task: int) -> Task: ...

    def tasks(self, job_id: int) -> tuple[Task, ...]:
        """All tasks of the job, in order, read in pages at one block."""
        ...

    def balances(self, account: Address) -> Balances: ...

    def seats_of(self, account: Address) -> tuple[Seat, ...]: ...

    def seat(self, slot: int) -> Seat: ...

    def active_seats(self) -> int: ...

    def block_hash(self, block: int) -> int:
        """Raises ServiceError ``ledger.block_unknown`` for a block not yet made."""
        ...

    def events(self, cursor: int = 0, *, job_id: int | None = None, trail: Trail | None = None) -> EventPage:
        """Events of blocks >= cursor, in ledger order, up to the head, in one page of this
        port (the adapter follows the node's own page tokens).

        A follower passes the last page's ``trail``, or an empty one at first, and is told of
        reorganisations of up to ``REORG_WINDOW_BLOCKS``; the page of whoever passes none has none.

        Raises ServiceError ``ledger.events_missing`` (retryable) when there are fewer events than
        the contract's own counts speak of: nodes have dropped pages.
        """
        ...


class Ledger(LedgerReader, Protocol):
    """A reader that also acts for one account."""

    def account(self) -> Address: ...

    def create_job(self, manifest: Cid, task_count: int, terms: Terms) -> tuple[int, Receipt]:
        """Approves and escrows in one transaction; returns the job's id.

        Raises LedgerRejected (terms, balance) before or without moving money.
        """
        ...

    def find_job(self, manifest: Cid) -> int | None:
        """The newest job of this account with this manifest: what a crash after sending
        ``create_job`` left behind."""
        ...

    def pause_job(self, job_id: int) -> Receipt: ...

    def resume_job(self, job_id: int) -> Receipt: ...

    def close_job(self, job_id: int) -> Receipt: ...

    def close_tasks(self, job_id: int, tasks: Sequence[int]) -> Receipt: ...

    def claim(self, job_id: int, tasks: Sequence[int]) -> Receipt: ...

    def give_back(self, job_id: int, tasks: Sequence[int]) -> Receipt: ...

    def submit(self, job_id: int, results: Iterable[TaskResult]) -> Receipt: ...

    def draw(self, job_id: int, tasks: Sequence[int]) -> Receipt: ...

    def appeal(self, job_id: int, appeals: Sequence[Appeal]) -> Receipt:
        """Locks the terms' appeal bond per task and calls a larger committee on each: the worker
        against a reject or unavailable, the requester against an accept or a task not drawn,
        while the provisional verdict's window runs."""
        ...

    def settle(self, job_id: int, tasks: Sequence[int]) -> Receipt: ...

    def release(self, job_id: int, tasks: Sequence[int]) -> Receipt: ...

    def take_seat(self) -> tuple[int, Receipt]:
        """Returns the slot. Pulls the bond from the withdrawable balance."""
        ...

    def leave_seat(self, slot: int) -> Receipt: ...

    def collect_seat(self, slot: int) -> Receipt: ...

    def commit(self, job_id: int, commitments: Sequence[Commitment]) -> Receipt: ...

    def reveal(self, job_id: int, reveals: Sequence[Reveal]) -> Receipt: ...

    def deposit(self, amount: Fri) -> Receipt:
        """Approves and deposits in one transaction."""
        ...

    def withdraw(self, amount: Fri) -> Receipt: ...
