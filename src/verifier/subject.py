"""Which submission an audit is about, and the seed that fixes its sample tiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..audit.report import SeedSource
from ..domain.cid import Cid
from ..domain.errors import InputError, ServiceError
from ..domain.job import APPEAL_ROUND, Job, Lane, Question, Task, TaskAppeal
from ..domain.sampling import RoundId, audit_seed
from ..ports.ledger import AppealRaised, Event, LedgerReader, ResultSubmitted, TaskDrawn, VerdictRevealed


@dataclass(frozen=True, slots=True)
class Subject:
    """One submission in one round of judging."""

    of: RoundId
    manifest: Cid
    task_count: int
    audit_rate_bps: int
    result: Cid
    seed: SeedSource
    appeal: TaskAppeal | None = None
    """What is asked, when the round is an appeal's."""
    lane: Lane | None = None
    """What the contract makes of a reject; None where no ledger was asked."""


def subject_of_round(ledger: LedgerReader, job: Job, task: Task) -> Subject:
    """The submission whose current round is being judged, its seed derived anew.

    Raises:
        ServiceError: ``ledger.seed_mismatch`` when the ledger's seed is not the one that
            submission and block give: a node that lies about either must not choose tiles. An
            appeal's question about a listed tile rests on the appealed round's seed, which is
            derived too where that is the first round (no later round's block is known here);
            ``ledger.no_appeal`` when an appeal's round comes without what it asks.
        ValueError: when the task has no submission or seed.
    """
    if task.result is None or task.audit_seed is None:
        raise ValueError(f"job {task.job_id} task {task.task} has not been drawn")
    of = _round(ledger, job.job_id, task.task, task.attempt, task.round)
    subject = _subject(ledger, job, of, task.result, task.audit_seed, task.seed_block)
    if task.round != APPEAL_ROUND:
        return subject
    appeal = task.appeal
    if appeal is None or (appeal.question is Question.LISTED_TILE and appeal.first_seed is None):
        raise ServiceError(
            "ledger.no_appeal",
            f"job {task.job_id} task {task.task} is in the round of an appeal without what it asks",
            remedy="ask another RPC node: this one contradicts itself",
            job=task.job_id,
            task=task.task,
        )
    if appeal.first_round == 0 and appeal.first_seed is not None:
        first = replace(of, round=0)
        _subject(ledger, job, first, task.result, appeal.first_seed, task.submit_block + 1)
    return replace(subject, appeal=appeal)


def subject_from_history(
    ledger: LedgerReader, job_id: int, task: int, *, attempt: int | None = None, seed: int | None = None
) -> Subject:
    """Any submission that the ledger ever recorded: the newest one, or that of ``attempt``.

    Its latest seed is taken from the ledger, and with it the question of an appeal that was drawn;
    or ``seed`` is used as it is, for an audit of the whole.

    Raises:
        InputError: ``audit.no_submission``; ``audit.no_seed`` when it has not been drawn and
            no seed was given; ``job.unknown``.
    """
    job = ledger.job(job_id)
    events = ledger.events(job.created_block, job_id=job_id).events
    submitted = [
        e
        for e in events
        if isinstance(e, ResultSubmitted) and e.task == task and attempt in (None, e.attempt)
    ]
    if not submitted:
        raise InputError(
            "audit.no_submission",
            f"job {job_id} has no submission for task {task}"
            + ("" if attempt is None else f" in attempt {attempt}"),
            remedy="see `tileproof client status` for what was submitted",
            job=job_id,
            task=task,
        )
    last = submitted[-1]
    drawn = [e for e in events if isinstance(e, TaskDrawn) and e.task == task and e.attempt == last.attempt]
    round_number = drawn[-1].round if drawn else 0
    of = _round(ledger, job_id, task, last.attempt, round_number)
    if seed is not None:
        source = SeedSource(seed, seed_block=0, block_hash=None)
        return _given(job, of, last.result, source)
    if not drawn:
        raise InputError(
            "audit.no_seed",
            f"task {task} of job {job_id} has not been drawn yet, so there is no seed",
            remedy="wait for the draw, or give a seed of your own with --seed",
            job=job_id,
            task=task,
        )
    if round_number == APPEAL_ROUND:
        appeal, seed_block = _appeal_from_history(events, drawn)
        subject = _subject(ledger, job, of, last.result, drawn[-1].audit_seed, seed_block)
        return replace(subject, appeal=appeal)
    if round_number == 0:
        return _subject(ledger, job, of, last.result, drawn[-1].audit_seed, last.seed_block)
    # A later round's seed block is in no event, only in the task as long as it is in that round.
    now = ledger.task(job_id, task)
    if (now.attempt, now.round) == (last.attempt, round_number) and now.seed_block:
        return _subject(ledger, job, of, last.result, drawn[-1].audit_seed, now.seed_block)
    source = SeedSource(drawn[-1].audit_seed, seed_block=0, block_hash=None)
    return _given(job, of, last.result, source)


def _appeal_from_history(events: Sequence[Event], drawn: Sequence[TaskDrawn]) -> tuple[TaskAppeal, int]:
    """The appeal that the last of an attempt's draws is of, and its seed block."""
    first, last = drawn[-2], drawn[-1]
    raised = next(
        e
        for e in reversed(events)
        if isinstance(e, AppealRaised) and (e.task, e.attempt) == (last.task, last.attempt)
    )
    said = {
        e.seat: e.verdict
        for e in events
        if isinstance(e, VerdictRevealed)
        and (e.task, e.attempt, e.round) == (first.task, first.attempt, first.round)
    }
    appeal = TaskAppeal(
        appellant=raised.appellant,
        against=raised.against,
        question=raised.question,
        position=raised.position,
        tile=raised.tile,
        raised_block=raised.block,
        first_round=first.round,
        first_seed=first.audit_seed if first.audited else None,
        first_seats=first.seats,
        first_verdicts=tuple(said.get(place) for place in range(len(first.seats))),
    )
    return appeal, raised.seed_block


def _round(ledger: LedgerReader, job_id: int, task: int, attempt: int, round_number: int) -> RoundId:
    return RoundId(ledger.chain_id(), ledger.contract(), job_id, task, attempt, round_number)


def _subject(ledger: LedgerReader, job: Job, of: RoundId, result: Cid, seed: int, seed_block: int) -> Subject:
    block_hash = ledger.block_hash(seed_block)
    if audit_seed(of, result, block_hash) != seed:
        raise ServiceError(
            "ledger.seed_mismatch",
            f"the seed of job {of.job_id} task {of.task} does not follow from its submission and block "
            f"{seed_block}",
            remedy="ask another RPC node: this one contradicts itself",
            job=of.job_id,
            task=of.task,
            seed_block=seed_block,
        )
    return _given(job, of, result, SeedSource(seed, seed_block, block_hash))


def _given(job: Job, of: RoundId, result: Cid, source: SeedSource) -> Subject:
    return Subject(
        of,
        job.manifest,
        job.task_count,
        job.terms.audit_rate_bps,
        result,
        source,
        lane=job.terms.lane,
    )
