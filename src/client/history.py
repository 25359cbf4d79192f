"""What happened to each task, attempt by attempt, with the reports behind every verdict."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..audit.appealed import asked
from ..domain.job import APPEAL_ROUND, NO_SEAT, Appeal, AppealOutcome, Outcome
from ..ports.ledger import (
    AppealRaised,
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


def in_words(outcome: Outcome) -> str:
    """``not drawn`` for NOT_DRAWN, and the like."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", outcome.value).lower()


def _of_appeal(outcome: AppealOutcome) -> str:
    return {
        AppealOutcome.NONE: "",
        AppealOutcome.WON: "; the appeal was won",
        AppealOutcome.LOST: "; the appeal was lost",
        AppealOutcome.UNDECIDED: "; the appeal had no majority, so the first verdict stands",
    }[outcome]


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
            if event.round == APPEAL_ROUND:
                return f"appeal drawn, to be judged by seats {seats}", ""
            return f"drawn for an audit, round {event.round}, by seats {seats}", ""
        case VerdictCommitted():
            return f"verdict sealed by {event.verifier.short()}", ""
        case VerdictRevealed():
            ground = "" if event.ground.value == "None" else f" ({event.ground.value} {event.index})"
            verdict = event.verdict.value.lower()
            where = "on the appeal, " if event.round == APPEAL_ROUND else ""
            return f"{where}{event.verifier.short()} says {verdict}{ground}", str(event.evidence)
        case AppealRaised():
            question = asked(Appeal(event.task, event.question, event.position, event.tile))
            who = f"{event.appellant.short()} appeals against {in_words(event.against)}"
            return f"{who} under a bond of {event.bond}; the question is {question}", ""
        case TaskSettled():
            paid = f", {event.paid_to_worker} to {event.worker.short()}" if event.paid_to_worker.units else ""
            return f"settled: {in_words(event.outcome)}{paid}{_of_appeal(event.appeal)}", ""
        case SeatSlashed():
            return f"seat {event.slot} slashed by {event.amount}", ""
        case TaskClosed():
            return f"closed, {event.refund} back to the requester", ""
    return type(event).__name__, ""
