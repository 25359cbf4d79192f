"""Create, pause, resume, close: a job and its requester."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tileproof.domain.cid import Cid
from tileproof.domain.job import Job, TaskState, Terms
from tileproof.domain.money import Fri
from tileproof.ports import ledger as port

from .books import Cell
from .call import MAX_BATCH
from .checks import check_terms, require
from .claims import Claims
from .settlement import per_task
from .status import FREE


class Jobs(Claims):
    def create_job(self, manifest: Cid, task_count: int, terms: Terms) -> int:
        require(manifest.digest_int != 0, "MANIFEST_ZERO")
        check_terms(terms, task_count, self.books.bounds, self.now)
        escrow = per_task(terms) * task_count
        self.check_room(escrow)
        job_id = len(self.books.jobs) + 1
        job = Job(job_id, self.caller, manifest, task_count, terms, self.block, False, False, 0, 0)
        self.books.jobs += (job,)
        for task in range(task_count):
            self.keep(job_id, task, Cell())
        self.emit(port.JobCreated, job_id, self.caller, manifest, task_count, terms)
        self.transfer(self.caller, self.chain.contract, escrow)
        return job_id

    def pause_job(self, job_id: int) -> None:
        require(not self._own_open(job_id).paused, "JOB_PAUSED")
        self.change_job(job_id, paused=True)
        self.emit(port.JobPaused, job_id)

    def resume_job(self, job_id: int) -> None:
        require(self._own_open(job_id).paused, "JOB_NOT_PAUSED")
        self.change_job(job_id, paused=False)
        self.emit(port.JobResumed, job_id)

    def close_job(self, job_id: int) -> None:
        """Each call sweeps the next MAX_BATCH tasks; after the last comes the first again."""
        job = self.job(job_id)
        require(self.caller == job.requester, "NOT_REQUESTER")
        if not job.closed:
            self.change_job(job_id, closed=True)
            self.emit(port.JobClosed, job_id)
        first = self.books.swept.get(job_id, 0)
        last = min(first + MAX_BATCH, job.task_count)
        self.books.swept[job_id] = last % job.task_count
        for task in range(first, last):
            if self.find(job_id, task)[1].state in FREE:
                self._close_task(job_id, task)

    def close_tasks(self, job_id: int, tasks: Sequence[int]) -> None:
        batch, job = self.batch(tasks), self.job(job_id)
        require(job.closed or self.now >= job.terms.deadline, "JOB_STILL_OPEN")
        for task in batch:
            require(self.find(job_id, task)[1].state in FREE, "TASK_NOT_OPEN")
            self._close_task(job_id, task)

    def _close_task(self, job_id: int, task: int) -> None:
        cell, status = self.find(job_id, task)
        if status.state is TaskState.LAPSED:
            cell = self.end_claim(job_id, task, port.ClaimLapsed)
        self.keep(job_id, task, replace(cell, state=TaskState.CLOSED))
        job = self.job(job_id)
        self.change_job(job_id, refunded=job.refunded + 1)
        self.credit(job.requester, per_task(job.terms))
        self.emit(port.TaskClosed, job_id, task, Fri(per_task(job.terms)))

    def _own_open(self, job_id: int) -> Job:
        job = self.job(job_id)
        require(self.caller == job.requester, "NOT_REQUESTER")
        require(not job.closed, "JOB_CLOSED")
        return job
