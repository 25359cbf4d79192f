"""The contract: every call, and the views."""

from __future__ import annotations

from tileproof.domain.job import Ground, Task, TaskAppeal, TaskState

from .appeals import Appeals
from .books import Cell, Charge
from .status import Status, decision

HIDDEN = (TaskState.SUBMITTED, TaskState.APPEALED, TaskState.DRAWABLE)
"""A round is still to be drawn, and an earlier one no longer shown."""


class Contract(Appeals):
    """``Contract(chain, books, caller, head, tx_hash).claim(job, tasks)`` is one call; a view is a
    call that changes nothing."""

    def task(self, job_id: int, task: int) -> Task:
        cell, status = self.find(job_id, task)
        live = cell.live if status.state not in HIDDEN else None
        places = live.places if live is not None else ()
        charge = charged(cell, status)
        return Task(
            job_id=job_id,
            task=task,
            state=status.state,
            attempt=cell.attempt,
            failures=cell.failures,
            worker=None if cell.state in (TaskState.OPEN, TaskState.CLOSED) else cell.worker,
            claim_block=cell.claim_block,
            lease_until=cell.lease_until,
            result=cell.result,
            submit_block=cell.submit_block,
            round=status.round,
            seed_block=status.seed_block,
            audit_seed=live.seed if live is not None else None,
            outcome=status.outcome,
            seats=tuple(place.slot for place in places),
            committed=tuple(place.sealed is not None for place in places),
            revealed=tuple(place.verdict for place in places),
            window_ends_block=status.window_ends,
            ground=charge.ground if charge is not None else Ground.NONE,
            index=charge.index if charge is not None else 0,
            appeal=appeal_view(cell),
        )


def charged(cell: Cell, status: Status) -> Charge | None:
    """What the deciding round's majority names, once it has decided."""
    decided = cell.appeal is not None or status.state in (
        TaskState.PROVISIONAL,
        TaskState.SETTLEABLE,
        TaskState.PAID,
        TaskState.CLOSED,
    )
    return decision(cell.round.places).charge if cell.round is not None and decided else None


def appeal_view(cell: Cell) -> TaskAppeal | None:
    if cell.appeal is None:
        return None
    assert cell.round is not None
    audited = cell.round.audited
    return TaskAppeal(
        appellant=cell.appeal.appellant,
        against=cell.appeal.against,
        question=cell.appeal.question,
        position=cell.appeal.position,
        tile=cell.appeal.tile,
        raised_block=cell.appeal.raised_block,
        first_round=cell.round.number,
        first_seed=cell.round.seed if audited else None,
        first_seats=tuple(place.slot for place in cell.round.places),
        first_verdicts=tuple(place.verdict for place in cell.round.places),
    )
