"""What an outcome means for money, and what can be done next, in words.

The rules are the contract's (docs/protocol.md, "Who pays whom"); this only tells them.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..domain.block_time import ASSUMED_BLOCK_SECONDS, from_now
from ..domain.job import AppealOutcome, Job, Lane, Outcome, Task, TaskState, Terms

MAX_FAILURES = 3
"""Rejects or unavailables after which the contract closes a task."""


@dataclass(frozen=True, slots=True)
class Reckoning:
    """One attempt at a task as the ledger tells it now; ``task`` may be at a later attempt."""

    job: Job
    task: Task
    attempt: int
    outcome: Outcome
    settled: bool  # what the outcome says has been paid out
    block: int
    appeal: AppealOutcome = AppealOutcome.NONE
    block_seconds: float = ASSUMED_BLOCK_SECONDS

    @property
    def is_current(self) -> bool:
        return self.task.attempt == self.attempt


def money(reckoning: Reckoning) -> tuple[str, ...]:
    """Who pays and gets what, a sentence each without its full stop."""
    terms = reckoning.job.terms
    will = "" if reckoning.settled else "unless an appeal changes it, "
    return tuple(
        f"{will}{sentence}" if will and at == 0 else sentence
        for at, sentence in enumerate(_shares(reckoning, terms))
    )


def _shares(reckoning: Reckoning, terms: Terms) -> tuple[str, ...]:
    fees = terms.audit_fee * terms.committee_size
    match reckoning.outcome:
        case Outcome.ACCEPTED:
            return (
                f"the worker gets {terms.reward} and its bond of {terms.worker_bond} back",
                f"the requester pays that and up to {fees} for the audit, from the escrow",
            )
        case Outcome.NOT_DRAWN:
            return (
                f"the worker gets {terms.reward} and its bond of {terms.worker_bond} back",
                f"the {fees} set aside for an audit return to the requester",
            )
        case Outcome.REJECTED | Outcome.UNAVAILABLE:
            lost = f"the worker is not paid and loses its bond of {terms.worker_bond}"
            if reckoning.outcome is Outcome.REJECTED and terms.lane is Lane.HASH:
                lost = (
                    f"the worker is not paid; its bond of {terms.worker_bond} returns less the audit's fees"
                )
            if reckoning.task.state is TaskState.CLOSED and reckoning.is_current:
                return lost, f"the requester gets {terms.reward} and what is left for audits back"
            return lost, f"the requester loses nothing: {terms.reward} wait for the next attempt"
        case Outcome.NO_VERDICT:
            return (
                f"the worker is not paid and gets its bond of {terms.worker_bond} back",
                f"the requester gets {terms.reward} back; the audit's {fees} are lost to both",
            )
    return (f"nothing has moved: {terms.reward} are in escrow, the worker's bond is locked",)


def next_steps(reckoning: Reckoning) -> tuple[str, ...]:
    """What whoever reads this can do, or what happens by itself."""
    job, task = reckoning.job.job_id, reckoning.task
    logs = f"`tileproof client logs {job} --task {task.task}` tells what happened since"
    if not reckoning.is_current:
        return (f"the task has gone on: attempt {task.attempt + 1} is {_state(task)}; {logs}",)
    match task.state:
        case TaskState.PROVISIONAL if task.appeal is None:
            return _appeals(reckoning)
        case TaskState.APPEALED | TaskState.COMMITTING | TaskState.REVEALING | TaskState.DRAWABLE:
            return (f"verifiers are at work ({_state(task)}): `tileproof client watch {job}` follows them",)
        case TaskState.PROVISIONAL | TaskState.SETTLEABLE:
            return ("it can be settled: a verifier does that by itself within a minute or so",)
        case TaskState.PAID:
            return (f"the pictures are the requester's: `tileproof client fetch {job}`",)
        case TaskState.CLOSED if reckoning.outcome.hurts_worker:
            return (
                f"that was failure {MAX_FAILURES} of {MAX_FAILURES}, so the task is closed; the refund "
                "waits for `tileproof account withdraw`, and a new job can ask for the frames again",
            )
        case TaskState.CLOSED:
            return ("the task is closed; the refund waits for `tileproof account withdraw`",)
        case TaskState.OPEN | TaskState.LAPSED:
            left = MAX_FAILURES - task.failures
            return (f"the task is open again, for another worker; {left} more failures would close it",)
    return (f"the task is {_state(task)}: `tileproof client watch {job}` follows it",)


def _appeals(reckoning: Reckoning) -> tuple[str, ...]:
    job, task, terms = reckoning.job.job_id, reckoning.task, reckoning.job.terms
    left = from_now(task.window_ends_block, reckoning.block, reckoning.block_seconds)
    until = f"until block {task.window_ends_block} ({left}), under a bond of {terms.appeal_bond}"
    committee = f"{2 * terms.committee_size + 1} other seats then judge; won, the bond comes back"
    if reckoning.outcome.pays_worker:
        return (
            f"the requester may appeal {until}: `tileproof client preview {job}`, then "
            f"`tileproof client appeal {job} {task.task} --tile FRAME:X,Y`",
            committee,
        )
    if reckoning.outcome.hurts_worker:
        return (
            f"the worker may appeal {until}; a worker that runs does so by itself where its own check "
            "contradicts the verdict",
            committee,
            "without an appeal the task opens again for another worker"
            if task.failures + 1 < MAX_FAILURES
            else "without an appeal the task closes and the requester is refunded",
        )
    return ("nothing can be appealed here: nobody has been judged",)


def _state(task: Task) -> str:
    return task.state.value.lower()
