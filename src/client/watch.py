"""Following a job until every task is final, with an honest guess at when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from ..domain.job import Task, TaskState
from ..ports.clock import Clock
from ..ports.ledger import LedgerReader
from .status import AT_WORK, JobStatus

LIFE = (
    TaskState.OPEN,
    TaskState.CLAIMED,
    TaskState.SUBMITTED,
    TaskState.DRAWABLE,
    TaskState.COMMITTING,
    TaskState.REVEALING,
    TaskState.PROVISIONAL,
    TaskState.APPEALED,
    TaskState.SETTLEABLE,
    TaskState.PAID,
)
"""A task's way through its states; how far along is how much of a bar is filled."""


def steps_done(task: Task) -> int:
    """0 for an open task, ``len(LIFE) - 1`` for a final one; the rounds of an appeal are one step."""
    if task.state.is_final:
        return len(LIFE) - 1
    if task.appeal is not None and task.state is not TaskState.SETTLEABLE:
        return LIFE.index(TaskState.APPEALED)
    return LIFE.index(task.state) if task.state in LIFE else 0


@dataclass
class Pace:
    """How long tasks take from claim to end, as seen while watching.

    Only tasks seen to end count: the ledger keeps no time of a settlement. Claims are dated by
    their lease, so one that began before the watch still counts whole.
    """

    lease_seconds: int
    _claimed_at: dict[int, int] = field(default_factory=dict)
    _took: list[float] = field(default_factory=list)

    def observe(self, tasks: Sequence[Task], timestamp: int) -> None:
        """Takes note of the tasks' states at a moment of the chain's clock."""
        for task in tasks:
            if task.state in AT_WORK and task.lease_until:
                self._claimed_at[task.task] = task.lease_until - self.lease_seconds
            elif task.state is TaskState.PAID and task.task in self._claimed_at:
                self._took.append(max(0.0, timestamp - self._claimed_at.pop(task.task)))
            elif task.state not in AT_WORK:
                self._claimed_at.pop(task.task, None)

    @property
    def mean_seconds(self) -> float | None:
        return fmean(self._took) if self._took else None

    def seconds_left(self, tasks: Sequence[Task], timestamp: int) -> float | None:
        """Mean time a task x rounds of work left, at the present number of tasks under way;
        None before the first task has ended."""
        mean = self.mean_seconds
        if mean is None:
            return None
        at_work = [task for task in tasks if task.state in AT_WORK]
        waiting = sum(not task.state.is_final for task in tasks) - len(at_work)
        begun = [timestamp - self._claimed_at.get(task.task, timestamp) for task in at_work]
        current = max((max(0.0, mean - age) for age in begun), default=0.0)
        rounds = -(-waiting // max(1, len(at_work)))
        return current + rounds * mean


@dataclass(frozen=True, slots=True)
class Sight:
    """One look at a watched job."""

    status: JobStatus
    mean_seconds: float | None
    seconds_left: float | None
    block: int


def watch(
    job_id: int,
    *,
    ledger: LedgerReader,
    clock: Clock,
    poll_seconds: float,
    show: Callable[[Sight], None],
    give_up_after: float | None = None,
) -> JobStatus:
    """Shows the job after every change until all tasks are final, the process is asked to stop,
    or ``give_up_after`` seconds are over; returns the last look.

    Only reads: whoever stops watching loses nothing. Raises InputError ``job.unknown``.
    """
    job = ledger.job(job_id)
    pace = Pace(job.terms.lease_seconds)
    until = None if give_up_after is None else clock.monotonic() + give_up_after
    while True:
        status = JobStatus(ledger.job(job_id), ledger.tasks(job_id))
        head = ledger.head()
        timestamp = head.timestamp
        pace.observe(status.tasks, timestamp)
        show(Sight(status, pace.mean_seconds, pace.seconds_left(status.tasks, timestamp), head.block))
        if status.is_final or (until is not None and clock.monotonic() >= until) or clock.wait(poll_seconds):
            return status
