"""The contract's events as records of the ledger port, in pages by block."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...domain.cid import Cid, Codec
from ...domain.job import AppealOutcome, Ground, Outcome, Question, Verdict
from ...ports import ledger as port
from .codec import Felts, malformed, read_terms
from .rpc import selector_of


@dataclass(frozen=True, slots=True)
class RawEvent:
    """An event as the node has it."""

    block: int
    tx_hash: int
    keys: Sequence[int]
    data: Sequence[int]


@dataclass(frozen=True, slots=True)
class _Head:
    """What every event record begins with."""

    block: int
    tx_hash: int
    job_id: int


def selector(name: str) -> int:
    """The first key of the event of this name."""
    return selector_of(name)


def decode(raw: RawEvent) -> port.Event | None:
    """The record, or None for an event that the port has no record for (money and seats
    outside a job). Raises ServiceError ``ledger.malformed_answer``."""
    reader = _READERS.get(raw.keys[0]) if raw.keys else None
    if reader is None:
        return None
    keys, data = Felts(raw.keys[1:]), Felts(raw.data)
    return reader(_Head(raw.block, raw.tx_hash, keys.number()), keys, data)


def _job_created(at: _Head, keys: Felts, data: Felts) -> port.Event:
    return port.JobCreated(
        at.block,
        at.tx_hash,
        at.job_id,
        requester=keys.address(),
        manifest=Cid.of_digest_int(Codec.RAW, data.u256()),
        task_count=data.number(),
        terms=read_terms(data),
    )


def _task_closed(at: _Head, keys: Felts, data: Felts) -> port.Event:
    return port.TaskClosed(at.block, at.tx_hash, at.job_id, task=data.number(), refund=data.fri())


def _task_claimed(at: _Head, keys: Felts, data: Felts) -> port.Event:
    return port.TaskClaimed(
        at.block,
        at.tx_hash,
        at.job_id,
        task=data.number(),
        worker=keys.address(),
        attempt=data.number(),
        lease_until=data.number(),
    )


def _claim_lapsed(at: _Head, keys: Felts, data: Felts) -> port.Event:
    return port.ClaimLapsed(
        at.block, at.tx_hash, at.job_id, task=data.number(), worker=keys.address(), forfeited=data.fri()
    )


def _claim_given_back(at: _Head, keys: Felts, data: Felts) -> port.Event:
    return port.ClaimGivenBack(
        at.block, at.tx_hash, at.job_id, task=data.number(), worker=keys.address(), forfeited=data.fri()
    )


def _result_submitted(at: _Head, keys: Felts, data: Felts) -> port.Event:
    return port.ResultSubmitted(
        at.block,
        at.tx_hash,
        at.job_id,
        task=data.number(),
        worker=keys.address(),
        attempt=data.number(),
        result=_cid(data),
        seed_block=data.number(),
    )


def _task_drawn(at: _Head, keys: Felts, data: Felts) -> port.Event:
    return port.TaskDrawn(
        at.block,
        at.tx_hash,
        at.job_id,
        task=data.number(),
        attempt=data.number(),
        round=data.number(),
        audited=data.flag(),
        audit_seed=data.felt(),
        seats=data.items(data.number),
    )


def _verdict_committed(at: _Head, keys: Felts, data: Felts) -> port.Event:
    task, _attempt, _round = data.number(), data.number(), data.number()
    return port.VerdictCommitted(
        at.block, at.tx_hash, at.job_id, task=task, verifier=keys.address(), seat=data.number()
    )


def _verdict_revealed(at: _Head, keys: Felts, data: Felts) -> port.Event:
    return port.VerdictRevealed(
        at.block,
        at.tx_hash,
        at.job_id,
        task=data.number(),
        verifier=keys.address(),
        attempt=data.number(),
        round=data.number(),
        seat=data.number(),
        verdict=data.variant(Verdict),
        ground=data.variant(Ground),
        index=data.number(),
        evidence=_cid(data),
    )


def _appeal_raised(at: _Head, keys: Felts, data: Felts) -> port.Event:
    return port.AppealRaised(
        at.block,
        at.tx_hash,
        at.job_id,
        task=data.number(),
        appellant=keys.address(),
        attempt=data.number(),
        against=data.variant(Outcome),
        question=data.variant(Question),
        position=data.number(),
        tile=data.number(),
        bond=data.fri(),
        seed_block=data.number(),
    )


def _task_settled(at: _Head, keys: Felts, data: Felts) -> port.Event:
    task, worker, attempt = data.number(), keys.address(), data.number()
    outcome, paid_to_worker = data.variant(Outcome), data.fri()
    _to_seats, _to_requester, _forfeited = data.fri(), data.fri(), data.fri()
    return port.TaskSettled(
        at.block,
        at.tx_hash,
        at.job_id,
        task=task,
        worker=worker,
        attempt=attempt,
        outcome=outcome,
        paid_to_worker=paid_to_worker,
        appeal=data.variant(AppealOutcome),
    )


def _seat_slashed(at: _Head, keys: Felts, data: Felts) -> port.Event:
    return port.SeatSlashed(
        at.block, at.tx_hash, at.job_id, task=data.number(), slot=data.number(), amount=data.fri()
    )


def _plain(kind: type[port.Event]) -> Callable[[_Head, Felts, Felts], port.Event]:
    return lambda at, keys, data: kind(at.block, at.tx_hash, at.job_id)


def _cid(data: Felts) -> Cid:
    cid = data.cid()
    if cid is None:
        raise malformed("an event without its CID")
    return cid


BY_NAME: dict[str, Callable[[_Head, Felts, Felts], port.Event]] = {
    "JobCreated": _job_created,
    "JobPaused": _plain(port.JobPaused),
    "JobResumed": _plain(port.JobResumed),
    "JobClosed": _plain(port.JobClosed),
    "TaskClosed": _task_closed,
    "TaskClaimed": _task_claimed,
    "ClaimLapsed": _claim_lapsed,
    "ClaimGivenBack": _claim_given_back,
    "ResultSubmitted": _result_submitted,
    "TaskDrawn": _task_drawn,
    "VerdictCommitted": _verdict_committed,
    "VerdictRevealed": _verdict_revealed,
    "AppealRaised": _appeal_raised,
    "TaskSettled": _task_settled,
    "SeatSlashed": _seat_slashed,
}
_READERS = {selector(name): reader for name, reader in BY_NAME.items()}
