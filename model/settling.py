"""Carrying out what is final: settlements, and the penalties of a round that decided nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tileproof.domain.job import Job, Outcome, TaskState
from tileproof.domain.money import ZERO, Fri
from tileproof.ports import ledger as port

from .books import Cell, Place, Round
from .checks import require
from .jobs import Jobs
from .money import add
from .settlement import MAX_FAILURES, Payout, Settled, fees_lost_unheard, payout
from .status import Status


class Settling(Jobs):
    def settle(self, job_id: int, tasks: Sequence[int]) -> None:
        for task in self.batch(tasks):
            cell, status = self.find(job_id, task)
            require(status.state is TaskState.SETTLEABLE, "TASK_NOT_SETTLEABLE")
            self._settle_task(self.job(job_id), task, cell, status)

    def carry_out_failed(self, job_id: int, task: int, cell: Cell, failed: Round) -> None:
        """A round without majority pays nobody and costs those who were not heard."""
        fee = self.job(job_id).terms.audit_fee.units
        for place in failed.places:
            if lost := fees_lost_unheard(place):
                taken = min(lost * fee, self.bond_of_drawn(place.slot, cell.claim_block) or 0)
                self.slash(job_id, task, place, taken)
                self.books.forfeited += taken

    def _settle_task(self, job: Job, task: int, cell: Cell, status: Status) -> None:
        outcome = status.outcome
        failures = cell.failures + outcome.hurts_worker
        paid = outcome.pays_worker
        closes = outcome is Outcome.NO_VERDICT or failures == MAX_FAILURES
        what = settled(cell, status)
        due = payout(job.terms, what, closes, lambda slot: self.bond_of_drawn(slot, cell.claim_block))
        self._move(job, task, cell, what, due)
        if paid or closes:
            state = TaskState.PAID if paid else TaskState.CLOSED
            self.keep(job.job_id, task, replace(cell, state=state, failures=failures, outcome=outcome))
        else:
            self.keep(job.job_id, task, cell.reopened(failures))
        credited = job.terms.reward if paid else ZERO
        data = (cell.worker, cell.attempt, outcome, credited, status.appeal)
        self.emit(port.TaskSettled, job.job_id, task, *data)
        if paid:
            self.change_job(job.job_id, paid=self.job(job.job_id).paid + 1)
        if closes:
            self.change_job(job.job_id, refunded=self.job(job.job_id).refunded + 1)
            self.emit(port.TaskClosed, job.job_id, task, Fri(due.requester))

    def _move(self, job: Job, task: int, cell: Cell, what: Settled, due: Payout) -> None:
        assert cell.worker is not None
        add(self.books.worker_bonds, cell.worker, -job.terms.worker_bond.units)
        if cell.appeal is not None:
            add(self.books.appeal_bonds, cell.appeal.appellant, -job.terms.appeal_bond.units)
            self.credit(cell.appeal.appellant, due.appellant)
        self.credit(cell.worker, due.worker)
        self.credit(job.requester, due.requester)
        self.books.forfeited += due.forfeited
        self._pay_seats(job, task, what.places, due.seats, due.slashed)
        self._pay_seats(job, task, what.appeal_places, due.appeal_seats, due.appeal_slashed)

    def _pay_seats(
        self, job: Job, task: int, places: Sequence[Place], paid: Sequence[int], slashed: Sequence[int]
    ) -> None:
        for place, fee, taken in zip(places, paid, slashed, strict=True):
            if fee:
                self.credit(self.seat(place.slot).owner, fee)
            self.slash(job.job_id, task, place, taken)


def settled(cell: Cell, status: Status) -> Settled:
    """What a settlement is about, of a task that can be settled."""
    places = cell.round.places if cell.round is not None else ()
    if cell.appeal is None or cell.appeal.round is None:
        return Settled(status.outcome, places)
    return Settled(
        outcome=status.outcome,
        places=places,
        appeal=status.appeal,
        against=cell.appeal.against,
        question=cell.appeal.question,
        appeal_places=cell.appeal.round.places,
    )
