"""Claim, give back, submit, release: a task and its worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tileproof.domain.job import TaskResult, TaskState
from tileproof.domain.money import Fri
from tileproof.ports import ledger as port

from .books import Cell
from .checks import require
from .draw import seats_for_claim, seats_needed
from .money import add
from .seats import Seats
from .settlement import lapse_share
from .status import FREE


class Claims(Seats):
    def claim(self, job_id: int, tasks: Sequence[int]) -> None:
        batch, job = self.batch(tasks), self.job(job_id)
        require(not job.closed, "JOB_CLOSED")
        require(not job.paused, "JOB_PAUSED")
        lease_until = self.now + job.terms.lease_seconds
        require(lease_until <= job.terms.deadline, "DEADLINE_TOO_NEAR")
        others = seats_for_claim(self.books, self.block, (job.requester, self.caller))
        require(others >= seats_needed(job.terms), "TOO_FEW_SEATS")
        for task in batch:
            cell, status = self.find(job_id, task)
            require(status.state in FREE, "TASK_NOT_OPEN")
            if status.state is TaskState.LAPSED:
                cell = self.end_claim(job_id, task, port.ClaimLapsed)
            claimed = replace(
                cell,
                state=TaskState.CLAIMED,
                worker=self.caller,
                claim_block=self.block,
                lease_until=lease_until,
                slots_at_claim=len(self.books.seats),
            )
            self.keep(job_id, task, claimed)
            self.emit(port.TaskClaimed, job_id, task, self.caller, cell.attempt, lease_until)
        bonds = job.terms.worker_bond.units * len(batch)
        self.debit(self.caller, bonds)
        add(self.books.worker_bonds, self.caller, bonds)

    def give_back(self, job_id: int, tasks: Sequence[int]) -> None:
        for task in self.batch(tasks):
            cell, status = self.find(job_id, task)
            require(status.state is TaskState.CLAIMED, "TASK_NOT_CLAIMED")
            require(cell.worker == self.caller, "NOT_CLAIMANT")
            self.end_claim(job_id, task, port.ClaimGivenBack)

    def submit(self, job_id: int, results: Sequence[TaskResult]) -> None:
        for each in self.batch(results):
            cell, status = self.find(job_id, each.task)
            require(status.state is not TaskState.LAPSED, "LEASE_OVER")
            require(status.state is TaskState.CLAIMED, "TASK_NOT_CLAIMED")
            require(cell.worker == self.caller, "NOT_CLAIMANT")
            submitted = replace(cell, state=TaskState.SUBMITTED, result=each.result, submit_block=self.block)
            self.keep(job_id, each.task, submitted)
            data = (self.caller, cell.attempt, each.result, self.block + 1)
            self.emit(port.ResultSubmitted, job_id, each.task, *data)

    def release(self, job_id: int, tasks: Sequence[int]) -> None:
        for task in self.batch(tasks):
            require(self.find(job_id, task)[1].state is TaskState.LAPSED, "TASK_NOT_LAPSED")
            self.end_claim(job_id, task, port.ClaimLapsed)

    def end_claim(self, job_id: int, task: int, event: type[port.ClaimLapsed | port.ClaimGivenBack]) -> Cell:
        """A claim without result: a share of the bond is lost to nobody."""
        cell, terms = self.books.cells[job_id, task], self.job(job_id).terms
        assert cell.worker is not None
        lost = lapse_share(terms, self.books.bounds.lapse_share_bps)
        add(self.books.worker_bonds, cell.worker, -terms.worker_bond.units)
        self.credit(cell.worker, terms.worker_bond.units - lost)
        self.books.forfeited += lost
        self.emit(event, job_id, task, cell.worker, Fri(lost))
        return self.keep(job_id, task, cell.reopened(cell.failures))
