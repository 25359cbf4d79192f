"""Where a job stands, and which jobs there are, as the ledger tells it now."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..domain.errors import EvidenceError
from ..domain.job import Address, Job, Task, TaskState
from ..ports.content import ContentStore
from ..ports.ledger import JobCreated, LedgerReader

if TYPE_CHECKING:
    from ..domain.manifest import Manifest

AT_WORK = (
    TaskState.CLAIMED,
    TaskState.SUBMITTED,
    TaskState.DRAWABLE,
    TaskState.COMMITTING,
    TaskState.REVEALING,
    TaskState.PROVISIONAL,
    TaskState.APPEALED,
    TaskState.SETTLEABLE,
)
"""States that somebody is moving on from; the others wait for a worker, or are final."""


@dataclass(frozen=True, slots=True)
class JobStatus:
    """A job and its tasks, read together."""

    job: Job
    tasks: tuple[Task, ...]

    @property
    def counts(self) -> dict[TaskState, int]:
        """Tasks by state; only states that occur, in the order of a task's life."""
        counted = Counter(task.state for task in self.tasks)
        return {state: counted[state] for state in TaskState if counted[state]}

    @property
    def is_final(self) -> bool:
        return all(task.state.is_final for task in self.tasks)

    @property
    def unpaid(self) -> tuple[int, ...]:
        """Tasks that ended without a picture being paid for."""
        return tuple(task.task for task in self.tasks if task.state is TaskState.CLOSED)


def read_status(job_id: int, *, ledger: LedgerReader) -> JobStatus:
    """Raises InputError ``job.unknown``."""
    return JobStatus(ledger.job(job_id), ledger.tasks(job_id))


def read_manifest(job: Job, *, store: ContentStore, timeout: float) -> Manifest:
    """The job's manifest, checked as any bytes of others.

    Raises EvidenceError ``manifest.…`` or ``manifest.task_count`` when it and the ledger differ;
    ServiceError ``content.not_found``.
    """
    from ..domain.manifest import MAX_BYTES, decode  # here: most commands read no manifest

    manifest = decode(store.read_block(job.manifest, max_bytes=MAX_BYTES, timeout=timeout))
    if len(manifest.tasks) != job.task_count:
        raise EvidenceError(
            "manifest.task_count",
            f"the manifest has {len(manifest.tasks)} tasks and the ledger {job.task_count}",
            job=job.job_id,
            cid=job.manifest,
        )
    return manifest


def may_be_contested(task: Task) -> bool:
    """Whether its requester may appeal now: the task is provisionally accepted or not drawn."""
    return task.state is TaskState.PROVISIONAL and task.appeal is None and task.outcome.pays_worker


def has_accepted_result(task: Task, *, provisional: bool = False) -> bool:
    """Whether the task's result may be fetched as good: paid for, or, if ``provisional``,
    accepted or not drawn with its appeal window still open."""
    if task.result is None:
        return False
    waiting = task.state in (TaskState.PROVISIONAL, TaskState.SETTLEABLE)
    return task.state is TaskState.PAID or (provisional and waiting and task.outcome.pays_worker)


@dataclass(frozen=True, slots=True)
class JobLine:
    """One job in a list."""

    job: Job
    is_final: bool


def list_jobs(account: Address, *, ledger: LedgerReader) -> tuple[JobLine, ...]:
    """The jobs that ``account`` created, oldest first; found on the ledger, so a new machine
    sees the same list."""
    mine = [e for e in ledger.events().events if isinstance(e, JobCreated) and e.requester == account]
    lines = []
    for event in mine:
        job = ledger.job(event.job_id)
        lines.append(JobLine(job, job.paid + job.refunded >= job.task_count))
    return tuple(lines)
