"""Felts <-> domain records, in the order in which Cairo's Serde writes them. Pure.

The records are those of ``contracts/src/types.cairo`` and ``events.cairo``; a test holds their
names and order against the compiled ABI.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from ...domain.cid import Cid, Codec
from ...domain.errors import ServiceError
from ...domain.job import (
    Address,
    Appeal,
    Bounds,
    Commitment,
    Ground,
    Job,
    Lane,
    Outcome,
    Question,
    Reveal,
    Seat,
    Task,
    TaskAppeal,
    TaskResult,
    TaskState,
    Terms,
    Totals,
    Verdict,
)
from ...domain.money import Fri

E = TypeVar("E", bound=Enum)
T = TypeVar("T")
_LOW = 2**128 - 1
MAX_ITEMS = 100_000


class Felts:
    """Reads a call's answer or an event's data from front to back.

    Raises ServiceError ``ledger.malformed_answer`` for too few felts or a value out of range.
    """

    def __init__(self, felts: Sequence[int]) -> None:
        self._felts, self._at = felts, 0

    def felt(self) -> int:
        if self._at >= len(self._felts):
            raise malformed("it ends early")
        self._at += 1
        return self._felts[self._at - 1]

    def number(self) -> int:
        value = self.felt()
        if value >= 2**128:
            raise malformed(f"{value} is no number")
        return value

    def flag(self) -> bool:
        value = self.felt()
        if value not in (0, 1):
            raise malformed(f"{value} is neither true nor false")
        return value == 1

    def u256(self) -> int:
        low, high = self.number(), self.number()
        return low | high << 128

    def fri(self) -> Fri:
        return Fri(self.number())

    def address(self) -> Address:
        try:
            return Address(self.felt())
        except ValueError as error:
            raise malformed(str(error)) from None

    def variant(self, kind: type[E]) -> E:
        variants = list(kind)
        index = self.felt()
        if index >= len(variants):
            raise malformed(f"{kind.__name__} has no variant {index}")
        return variants[index]

    def cid(self) -> Cid | None:
        """None for the all-zero Cid that stands for none."""
        codec, digest = self.number(), self.u256()
        if codec == 0:
            return None
        try:
            return Cid.of_digest_int(codec, digest)
        except ValueError as error:
            raise malformed(str(error)) from None

    def items(self, read: Callable[[], T]) -> tuple[T, ...]:
        count = self.felt()
        if count > MAX_ITEMS:
            raise malformed(f"a list of {count} items")
        return tuple(read() for _ in range(count))

    def end(self) -> None:
        """Refuses an answer that is longer than its record."""
        if self._at != len(self._felts):
            raise malformed(f"{len(self._felts) - self._at} felts are left over")

    def option(self, read: Callable[[], T]) -> T | None:
        return read() if self.variant(_Option) is _Option.SOME else None


class _Option(Enum):
    SOME = "Some"
    NONE = "None"


@dataclass(frozen=True, slots=True)
class StoredBalances:
    """What the contract holds for an account; the wallet is the token's to tell."""

    withdrawable: Fri
    worker_bonds: Fri
    appeal_bonds: Fri
    seat_bonds: Fri


def read_terms(felts: Felts) -> Terms:
    return Terms(
        reward=felts.fri(),
        audit_fee=felts.fri(),
        worker_bond=felts.fri(),
        committee_size=felts.number(),
        audit_rate_bps=felts.number(),
        lease_seconds=felts.number(),
        commit_blocks=felts.number(),
        reveal_blocks=felts.number(),
        appeal_blocks=felts.number(),
        deadline=felts.number(),
        lane=felts.variant(Lane),
    )


def read_bounds(felts: Felts) -> Bounds:
    return Bounds(
        max_tasks=felts.number(),
        max_committee_size=felts.number(),
        min_audit_rate_bps=felts.number(),
        min_lease_seconds=felts.number(),
        max_lease_seconds=felts.number(),
        min_window_blocks=felts.number(),
        max_window_blocks=felts.number(),
        max_deadline_seconds=felts.number(),
        seat_bond=felts.fri(),
        seat_exit_blocks=felts.number(),
        lapse_share_bps=felts.number(),
    )


def read_job(felts: Felts) -> Job:
    return Job(
        job_id=felts.number(),
        requester=felts.address(),
        manifest=Cid.of_digest_int(Codec.RAW, felts.u256()),
        task_count=felts.number(),
        terms=read_terms(felts),
        created_block=felts.number(),
        paused=felts.flag(),
        closed=felts.flag(),
        paid=felts.number(),
        refunded=felts.number(),
    )


def read_task(felts: Felts, job_id: int) -> Task:
    task = felts.number()
    state = felts.variant(TaskState)
    attempt, failures = felts.number(), felts.number()
    worker = felts.address()
    claim_block, lease_until = felts.number(), felts.number()
    result = felts.cid()
    submit_block, round_ = felts.number(), felts.number()
    seed_block, audit_seed = felts.number(), felts.felt()
    return Task(
        job_id=job_id,
        task=task,
        state=state,
        attempt=attempt,
        failures=failures,
        worker=worker if worker.felt else None,
        claim_block=claim_block,
        lease_until=lease_until,
        result=result,
        submit_block=submit_block,
        round=round_,
        seed_block=seed_block,
        audit_seed=audit_seed or None,
        outcome=felts.variant(Outcome),
        ground=felts.variant(Ground),
        index=felts.number(),
        seats=felts.items(felts.number),
        committed=felts.items(felts.flag),
        revealed=_read_verdicts(felts),
        window_ends_block=felts.number(),
        appeal=felts.option(lambda: read_appeal(felts)),
    )


def read_appeal(felts: Felts) -> TaskAppeal:
    return TaskAppeal(
        appellant=felts.address(),
        against=felts.variant(Outcome),
        question=felts.variant(Question),
        position=felts.number(),
        tile=felts.number(),
        raised_block=felts.number(),
        first_round=felts.number(),
        first_seed=felts.felt() or None,
        first_seats=felts.items(felts.number),
        first_verdicts=_read_verdicts(felts),
    )


def _read_verdicts(felts: Felts) -> tuple[Verdict | None, ...]:
    return felts.items(lambda: felts.option(lambda: felts.variant(Verdict)))


def read_seat(felts: Felts, slot: int) -> Seat:
    return Seat(
        slot=slot,
        owner=felts.address(),
        bond=felts.fri(),
        since_block=felts.number(),
        leaving_block=felts.number() or None,
        collected=felts.flag(),
    )


def read_balances(felts: Felts) -> StoredBalances:
    return StoredBalances(
        withdrawable=felts.fri(),
        worker_bonds=felts.fri(),
        appeal_bonds=felts.fri(),
        seat_bonds=felts.fri(),
    )


def read_totals(felts: Felts) -> Totals:
    return Totals(escrow=felts.fri(), bonds=felts.fri(), withdrawable=felts.fri(), forfeited=felts.fri())


def write_u256(value: int) -> list[int]:
    return [value & _LOW, value >> 128]


def write_cid(cid: Cid) -> list[int]:
    return [int(cid.codec), *write_u256(cid.digest_int)]


def write_terms(terms: Terms) -> list[int]:
    return [
        terms.reward.units,
        terms.audit_fee.units,
        terms.worker_bond.units,
        terms.committee_size,
        terms.audit_rate_bps,
        terms.lease_seconds,
        terms.commit_blocks,
        terms.reveal_blocks,
        terms.appeal_blocks,
        terms.deadline,
        list(Lane).index(terms.lane),
    ]


def write_bounds(bounds: Bounds) -> list[int]:
    return [
        bounds.max_tasks,
        bounds.max_committee_size,
        bounds.min_audit_rate_bps,
        bounds.min_lease_seconds,
        bounds.max_lease_seconds,
        bounds.min_window_blocks,
        bounds.max_window_blocks,
        bounds.max_deadline_seconds,
        bounds.seat_bond.units,
        bounds.seat_exit_blocks,
        bounds.lapse_share_bps,
    ]


def write_span(items: Iterable[Sequence[int]]) -> list[int]:
    written = [list(item) for item in items]
    return [len(written), *(felt for item in written for felt in item)]


def write_result(result: TaskResult) -> list[int]:
    return [result.task, *write_cid(result.result)]


def write_commitment(commitment: Commitment) -> list[int]:
    return [
        commitment.task,
        commitment.attempt,
        commitment.round,
        commitment.seat,
        commitment.commitment,
    ]


def write_appeal(appeal: Appeal) -> list[int]:
    return [appeal.task, list(Question).index(appeal.question), appeal.position, appeal.tile]


def write_reveal(reveal: Reveal) -> list[int]:
    return [
        reveal.task,
        reveal.seat,
        list(Verdict).index(reveal.verdict),
        list(Ground).index(reveal.ground),
        reveal.index,
        *write_cid(reveal.evidence),
        reveal.salt,
    ]


def malformed(why: str) -> ServiceError:
    return ServiceError(
        "ledger.malformed_answer",
        f"the node's answer is not what the contract's interface says: {why}",
        remedy="check that the address is a Tileproof contract of this version, and that the node is sound",
    )
