"""Pause, resume, cancel and retry."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..domain.cid import Cid
from ..domain.errors import InputError
from ..domain.job import TaskState
from ..domain.manifest import Manifest, encode
from ..domain.money import ZERO, Fri
from ..ports.content import ContentStore
from ..ports.journal import Journal
from ..ports.ledger import Ledger
from .plan import read_means
from .price import check_means, make_terms
from .request import Offer
from .status import AT_WORK, JobStatus, read_manifest, read_status
from .submit import Submitted, create, of_manifest, recover

SWEEP = 32
"""Tasks closed per transaction; below the contract's own limit of a batch."""

_CLOSABLE = (TaskState.OPEN, TaskState.LAPSED)


@dataclass(frozen=True, slots=True)
class Cancellation:
    """What cancelling a job now means."""

    job_id: int
    closes: tuple[int, ...]  # refunded at once
    runs_on: tuple[int, ...]  # claimed or submitted: these end as they would have
    refund: Fri


def plan_cancel(status: JobStatus) -> Cancellation:
    """Decides; nothing is sent."""
    closes = tuple(task.task for task in status.tasks if task.state in _CLOSABLE)
    runs_on = tuple(task.task for task in status.tasks if task.state in AT_WORK)
    refund = status.job.terms.escrow(len(closes)) if closes else ZERO
    return Cancellation(status.job.job_id, closes, runs_on, refund)


def cancel(job_id: int, *, ledger: Ledger) -> Cancellation:
    """Closes the job and every open or lapsed task of it, in as many transactions as it takes.

    Safe to repeat: what is closed already is left alone. Raises InputError ``job.not_yours``.
    """
    status = own_job(job_id, ledger=ledger)
    plan = plan_cancel(status)
    if not status.job.closed:
        ledger.close_job(job_id)
    left = plan_cancel(read_status(job_id, ledger=ledger)).closes
    while left:
        ledger.close_tasks(job_id, left[:SWEEP])
        still = plan_cancel(read_status(job_id, ledger=ledger)).closes
        if still == left:
            raise InputError(
                "job.not_closing",
                f"job {job_id} has open tasks that do not close",
                remedy="run the same command again; what is closed stays closed",
                job=job_id,
            )
        left = still
    return plan


def own_job(job_id: int, *, ledger: Ledger) -> JobStatus:
    """The job's status. Raises InputError ``job.unknown``, ``job.not_yours``."""
    status = read_status(job_id, ledger=ledger)
    if status.job.requester != ledger.account():
        raise InputError(
            "job.not_yours",
            f"job {job_id} belongs to {status.job.requester.short()}, not to {ledger.account().short()}",
            remedy="choose its requester with --account",
            job=job_id,
        )
    return status


@dataclass(frozen=True, slots=True)
class Retry:
    """A new job for what an old one left without a picture."""

    manifest: Manifest
    old_tasks: tuple[int, ...]  # in the old job's numbering
    beyond_asked: tuple[int, ...]  # not closed, but their frame has a region that is
    escrow: Fri


def plan_retry(job_id: int, offer: Offer, *, ledger: Ledger, store: ContentStore, timeout: float) -> Retry:
    """A manifest of the frames of which some task closed unpaid.

    A manifest covers its frames wholly, so a frame that misses one region is split and rendered
    whole again. Raises InputError ``retry.nothing`` (every task is paid or still running),
    ``retry.already``, ``terms.…``, ``money.balance_too_small``.
    """
    status = read_status(job_id, ledger=ledger)
    manifest = read_manifest(status.job, store=store, timeout=timeout)
    unpaid = status.unpaid
    if not unpaid:
        raise InputError(
            "retry.nothing",
            f"job {job_id} has no task that closed without being paid",
            remedy="`tileproof client watch` shows what still runs",
            job=job_id,
        )
    frames = {frame for task in unpaid for frame in manifest.tasks[task].frames}
    chosen = [n for n, spec in enumerate(manifest.tasks) if frames & set(spec.frames)]
    again = replace(manifest, tasks=tuple(manifest.tasks[n] for n in chosen))
    earlier = ledger.find_job(Cid.of_raw_block(encode(again)))
    if earlier is not None and earlier > job_id:
        raise InputError(
            "retry.already",
            f"job {earlier} already renders these tasks of job {job_id} again",
            remedy=f"see `tileproof client status {earlier}`; if it failed as well, retry that one",
            job=earlier,
        )
    means = read_means(ledger)
    terms = make_terms(offer, means.bounds, means.timestamp, again.audit.settled_in)
    return Retry(
        manifest=again,
        old_tasks=tuple(chosen),
        beyond_asked=tuple(n for n in chosen if n not in unpaid),
        escrow=check_means(terms, len(chosen), means),
    )


def retry(
    plan: Retry, offer: Offer, *, ledger: Ledger, store: ContentStore, journal: Journal, timeout: float
) -> Submitted:
    """Pins the new manifest, keeps the scene pinned, and creates the job."""
    adopted = recover(ledger=ledger, store=store, journal=journal)
    means = read_means(ledger)
    terms = make_terms(offer, means.bounds, means.timestamp, plan.manifest.audit.settled_in)
    kept = store.pins()
    scene = plan.manifest.scene
    store.pin(scene, timeout=timeout)
    block = store.add_block(encode(plan.manifest))
    ours = of_manifest(block, adopted)
    if ours is not None:
        return ours
    new = [cid for cid in (scene, block) if cid not in kept]
    return create(plan.manifest, block, terms, new, ledger=ledger, store=store, journal=journal)
