"""What a worker has begun: each claim taken a step further at every look at the ledger, until it
is final and deep."""

from __future__ import annotations

import logging
from collections import defaultdict

from ..domain.errors import InputError, LedgerRejected, ServiceError
from ..domain.hops import Hop
from ..domain.job import AppealOutcome, Job, Lane, Outcome, Task, TaskState
from ..domain.log_context import working_on
from ..ports.clock import Clock
from ..ports.content import ContentStore
from ..ports.ledger import Head, Ledger, TaskSettled
from .appeals import Appeals
from .claims import Claim, Claims, Stage
from .delivery import Delivery
from .market import Market
from .settings import WorkerSettings

log = logging.getLogger("tileproof.worker")

_UNDER_WAY = (Stage.CLAIMING, Stage.CLAIMED, Stage.SUBMITTING, Stage.SUBMITTED)


class Holdings:
    """The claims of this account, kept in the journal and nowhere else."""

    def __init__(
        self,
        ledger: Ledger,
        store: ContentStore,
        claims: Claims,
        delivery: Delivery,
        appeals: Appeals,
        market: Market,
        clock: Clock,
        settings: WorkerSettings,
    ) -> None:
        self._ledger, self._store, self._claims = ledger, store, claims
        self._delivery, self._appeals, self._market = delivery, appeals, market
        self._clock, self._settings = clock, settings
        self._account = ledger.account()
        self._seen: dict[tuple[str, str], float] = {}
        self._attended = clock.monotonic()
        self._rejected: set[str] = set()

    @property
    def rejects(self) -> int:
        """Results that a committee rejected since this process started."""
        return len(self._rejected)

    def under_way(self) -> list[Claim]:
        """Claims whose bond is at stake."""
        return [claim for claim in self._claims.every() if claim.stage in _UNDER_WAY]

    def go_on(self, head: Head) -> bool:
        """Every claim a step further; True when that was work of some length."""
        by_job: defaultdict[int, list[str]] = defaultdict(list)
        for claim in self._claims.every():
            by_job[claim.job_id].append(claim.key)
        worked = False
        for job_id, keys in by_job.items():
            with working_on(job_id):
                job = self._job(job_id)
            for key in keys:
                current = self._claims.get(key)
                if current is None:
                    continue  # it was the same claim under the attempt that was first thought of
                with current.logged():
                    worked = self._go_on_with(current, job, head) or worked
        return worked

    def _go_on_with(self, current: Claim, job: Job | None, head: Head) -> bool:
        if current.stage is Stage.FINAL:
            self._forget_if_deep(current, head)
            return False
        if job is None:
            log.warning("lost job=%d task=%d: the job was undone", current.job_id, current.task)
            self._delivery.finish(current)
            return False
        return self._step(current, job, self._ledger.task(current.job_id, current.task))

    def rewind(self, block: int) -> None:
        """A reorganisation undid this block and later ones: claims that ended there are looked at
        again. Their bytes are kept as long after the end that then comes."""
        for claim in self._claims.every():
            if claim.stage is Stage.FINAL and claim.final_block >= block:
                self._rejected.discard(claim.key)
                self._claims.move(claim, Stage.CLAIMED if claim.result is None else Stage.SUBMITTED)

    def never_made(self, claim: Claim) -> None:
        """The claim is not on the ledger; what one that was undone left to it is kept for a while."""
        if claim.pins:
            self._claims.move(claim, Stage.FINAL, final_block=self._ledger.head().block)
        else:
            self._claims.forget(claim)

    def attend(self) -> None:
        """What cannot wait until a long task is rendered: an appeal's window may be shorter. Looks
        at the ledger at most once per ``poll_seconds``; a service that fails is asked next time.

        Raises ServiceError that no retry mends; Stopped.
        """
        now = self._clock.monotonic()
        if now - self._attended < self._settings.poll_seconds:
            return
        self._attended = now
        try:
            for claim in self._claims.every():
                if claim.stage is not Stage.SUBMITTED:
                    continue
                with claim.logged():
                    task = self._ledger.task(claim.job_id, claim.task)
                    if self._is_of(claim, task):
                        self._appeals.consider(claim, self._ledger.job(claim.job_id), task)
        except ServiceError as error:
            if not error.retryable:
                raise
            log.warning("waiting for a service: %s (%s)", error.message, error.code)

    def claimed(self, claim: Claim, task: Task) -> Claim:
        """The claim under the attempt that the ledger knows it by: while the scene was being
        opened, another may have claimed the task and given it back."""
        if task.attempt == claim.attempt:
            return self._claims.move(claim, Stage.CLAIMED)
        moved = self._claims.move(claim, Stage.CLAIMED, attempt=task.attempt)
        self._claims.forget(claim)
        return moved

    def give_back_unfinished(self) -> None:
        """On the way out: what is claimed and not submitted would only lapse."""
        for claim in self.under_way():
            if claim.stage is not Stage.CLAIMED:
                continue
            with claim.logged():
                try:
                    self._delivery.give_back(claim, self._ledger.job(claim.job_id))
                except ServiceError as error:
                    log.warning(
                        "not given back job=%d task=%d: %s (%s); it goes on when the worker is started again",
                        claim.job_id,
                        claim.task,
                        error.message,
                        error.code,
                    )

    def _step(self, claim: Claim, job: Job, task: Task) -> bool:
        """Takes one claim a step further; True when that was work of some length."""
        if claim.stage is Stage.CLAIMING:
            if task.worker != self._account or task.state not in (TaskState.CLAIMED, TaskState.LAPSED):
                self.never_made(claim)  # or another was faster
                return False
            claim = self.claimed(claim, task)
            with claim.logged():
                log.info(
                    "hop=%d claimed job=%d task=%d attempt=%d (by an earlier process)",
                    Hop.CLAIMED,
                    claim.job_id,
                    claim.task,
                    claim.attempt,
                )
                return self._go_on_claimed(claim, job, task)
        return self._go_on_claimed(claim, job, task)

    def _go_on_claimed(self, claim: Claim, job: Job, task: Task) -> bool:
        if not self._is_of(claim, task) or task.state is TaskState.LAPSED:
            self._close(claim, job, task)
            return False
        if task.state is TaskState.CLAIMED:
            return self._delivery.go_on(claim, job, task)
        if claim.stage is not Stage.SUBMITTED:
            claim = self._claims.move(claim, Stage.SUBMITTED)
            self._delivery.log_submitted(claim, "(by an earlier process)")
        self._help_along(claim, job, task)
        return False

    def _job(self, job_id: int) -> Job | None:
        """None for a job that a reorganisation has undone."""
        try:
            return self._ledger.job(job_id)
        except InputError as error:
            if error.code != "job.unknown":
                raise
            return None

    def _is_of(self, claim: Claim, task: Task) -> bool:
        """Whether the task as the ledger has it is still this claim's."""
        return task.worker == self._account and task.attempt == claim.attempt

    def _close(self, claim: Claim, job: Job, task: Task) -> None:
        """The claim is over, one way or another; what it pinned stays for a while."""
        if task.state is TaskState.LAPSED and task.worker == self._account:
            self._release(claim)
        settled = self._settlement_of(claim)
        outcome = Outcome.UNDECIDED if settled is None else settled.outcome
        if settled is None:
            log.warning(
                "lost job=%d task=%d attempt=%d: the claim ended without a submission",
                claim.job_id,
                claim.task,
                claim.attempt,
            )
        elif outcome.hurts_worker:
            self._rejected.add(claim.key)
            self._market.note_failure(claim.job_id, claim.task, outcome.value)
            withheld = job.terms.lane is Lane.HASH and outcome is Outcome.REJECTED
            log.error(
                "hop=%d settled job=%d task=%d outcome=%s%s: %s; look at the report with "
                "`tileproof client logs %d`",
                Hop.SETTLED,
                claim.job_id,
                claim.task,
                outcome.value.lower(),
                _of_appeal(settled),
                "the pay is withheld" if withheld else "the bond is lost",
                claim.job_id,
            )
        else:
            log.info(
                "hop=%d settled job=%d task=%d outcome=%s%s",
                Hop.SETTLED,
                claim.job_id,
                claim.task,
                outcome.value.lower(),
                _of_appeal(settled),
            )
        self._delivery.finish(self._claims.get(claim.key) or claim)

    def _release(self, claim: Claim) -> None:
        """Gets back what the lapse left of the bond."""
        try:
            self._ledger.release(claim.job_id, [claim.task])
        except LedgerRejected as error:
            log.info("release job=%d task=%d: %s", claim.job_id, claim.task, error.reason)

    def _settlement_of(self, claim: Claim) -> TaskSettled | None:
        created = self._ledger.job(claim.job_id).created_block
        for event in reversed(self._ledger.events(created, job_id=claim.job_id).events):
            if (
                isinstance(event, TaskSettled)
                and event.task == claim.task
                and event.attempt == claim.attempt
                and event.worker == self._account
            ):
                return event
        return None

    def _help_along(self, claim: Claim, job: Job, task: Task) -> None:
        """Contests, draws and settles what nobody else has, and notices the end."""
        if task.state.is_final:
            if task.state is TaskState.PAID:
                settled = self._settlement_of(claim) if task.appeal is not None else None
                log.info(
                    "hop=%d settled job=%d task=%d paid=1%s",
                    Hop.SETTLED,
                    claim.job_id,
                    claim.task,
                    _of_appeal(settled),
                )
            self._delivery.finish(claim)
            return
        self._appeals.consider(claim, job, task)
        for state, what, send in (
            (TaskState.DRAWABLE, "draw", self._ledger.draw),
            (TaskState.SETTLEABLE, "settle", self._ledger.settle),
        ):
            if task.state is state and self._waited(what, f"{claim.key}/{task.round}"):
                try:
                    receipt = send(claim.job_id, [claim.task])
                    log.info("%s job=%d task=%d tx=%#x", what, claim.job_id, claim.task, receipt.tx_hash)
                except LedgerRejected as error:
                    log.info("%s job=%d task=%d: %s", what, claim.job_id, claim.task, error.reason)

    def _waited(self, what: str, key: str) -> bool:
        since = self._seen.setdefault((what, key), self._clock.monotonic())
        return self._clock.monotonic() - since >= self._settings.stagger_seconds

    def _forget_if_deep(self, claim: Claim, head: Head) -> None:
        if head.block < claim.final_block + self._settings.keep_blocks:
            return
        others = {cid for c in self._claims.every() if c.key != claim.key for cid in c.pins}
        for cid in claim.pins:
            if cid not in others:
                self._store.unpin(cid)
        self._claims.forget(claim)


def _of_appeal(settled: TaskSettled | None) -> str:
    """How the task's appeal, whoever raised it, ended, as a part of a log line."""
    if settled is None or settled.appeal is AppealOutcome.NONE:
        return ""
    return f" appeal={settled.appeal.value.lower()}"
