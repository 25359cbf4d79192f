"""Which verdicts on its own results a worker contests, and how: pure rules."""

from __future__ import annotations

from ..domain.job import Appeal, Ground, Lane, Outcome, Question, Task, TaskState, Terms
from ..domain.money import Fri


def answer_to(task: Task) -> Appeal | None:
    """The one appeal that the contract takes from the worker against this task's provisional
    verdict; None when there is nothing, or nothing more, to contest."""
    if task.state is not TaskState.PROVISIONAL or task.appeal is not None:
        return None
    if task.outcome is Outcome.UNAVAILABLE:
        return Appeal(task.task, Question.WHOLE)
    if task.outcome is not Outcome.REJECTED or task.ground is Ground.NONE:
        return None
    if task.ground is Ground.TILE:
        return Appeal(task.task, Question.LISTED_TILE, tile=task.index)
    return Appeal(task.task, Question.PICTURE, position=task.index)


def why_not(terms: Terms, outcome: Outcome) -> str | None:
    """The reason to accept a verdict for its price; None when an appeal pays.

    An appeal stakes its bond, and winning brings the reward and what the verdict would take. It
    pays where it would at even odds: a worker who has checked its bytes has better ones, as long
    as most seats are honest.
    """
    gain = terms.reward + _taken(terms, outcome)
    if gain > terms.appeal_bond:
        return None
    return f"winning would bring {gain}, no more than the appeal bond of {terms.appeal_bond}"


def _taken(terms: Terms, outcome: Outcome) -> Fri:
    """The least that the verdict takes from the worker, less the most that a won appeal costs
    (docs/protocol.md, settlement)."""
    if outcome is Outcome.UNAVAILABLE:
        # Nobody is proved wrong about bytes: 2n + 1 seats are paid from n fees and the appellant.
        return terms.worker_bond - terms.audit_fee * (terms.committee_size + 1)
    if terms.lane is Lane.HASH:
        majority = terms.committee_size // 2 + 1
        return terms.audit_fee * majority
    return terms.worker_bond
