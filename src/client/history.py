"""What happened to each task, attempt by attempt, with the reports behind every verdict."""

from __future__ import annotations

from dataclasses import dataclass

from ..domain.job import NO_SEAT
from ..ports.ledger import (
    ClaimGivenBack,
    ClaimLapsed,
    Event,
    LedgerReader,
    ResultSubmitted,
    SeatSlashed,
    TaskClaimed,
    TaskClosed,
    TaskDrawn,
    TaskEvent,
    TaskSettled,
    VerdictCommitted,
    VerdictRevealed,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of a task in plain words. ``cid`` is what it names: a result or a report."""

    task: int
    attempt: int
    block: int
    tx_hash: int
    what: str
    cid: str = ""


def read_history(job_id: int, *, ledger: LedgerReader, task: int | None = None) -> tuple[Entry, ...]:
    """All that the ledger says of a job's tasks, by task and then in ledger order.

    Raises InputError ``job.unknown``.
    """
    created = ledger.job(job_id).created_block
    attempts: dict[int, int] = {}
    entries: list[Entry] = []
    for event in ledger.events(created, job_id=job_id).events:
        if not isinstance(event, TaskEvent) or (task is not None and event.task != task):
            continue
        attempt = attempts[event.task] = getattr(event, "attempt", attempts.get(event.task, 0))
        what, cid = _in_words(event)
        entries.append(Entry(event.task, attempt, event.block, event.tx_hash, what, cid))
    return tuple(sorted(entries, key=lambda entry: entry.task))


def _in_words(event: Event) -> tuple[str, str]:
    match event:
        case TaskClaimed():
            return f"claimed by {event.worker.short()}", ""
        case ClaimLapsed():
            return f"lease of {event.worker.short()} lapsed; it forfeits {event.forfeited}", ""
        case ClaimGivenBack():
            return f"given back by {event.worker.short()}; it forfeits {event.forfeited}", ""
        case ResultSubmitted():
            return f"result submitted by {event.worker.short()}", str(event.result)
        case TaskDrawn(audited=False):
            return "not drawn for an audit", ""
        case TaskDrawn():
            seats = ", ".join("-" if slot == NO_SEAT else str(slot) for slot in event.seats)
            return f"drawn for an audit, round {event.round}, by seats {seats}", ""
        case VerdictCommitted():
            return f"verdict sealed by {event.verifier.short()}", ""
        case VerdictRevealed():
            ground = "" if event.ground.value == "None" else f" ({event.ground.value} {event.index})"
            verdict = event.verdict.value.lower()
            return f"{event.verifier.short()} says {verdict}{ground}", str(event.evidence)
        case TaskSettled():
            paid = f", {event.paid_to_worker} to {event.worker.short()}" if event.paid_to_worker.units else ""
            return f"settled: {event.outcome.value.lower()}{paid}", ""
        case SeatSlashed():
            return f"seat {event.slot} slashed by {event.amount}", ""
        case TaskClosed():
            return f"closed, {event.refund} back to the requester", ""
    return type(event).__name__, ""
