"""The worker's loop: find work, claim, render, pin, submit, serve until final.

One thing at a time, in one thread: between two tasks the loop looks at the ledger and does what
anyone may do for its own submissions; between two frames it contests verdicts against them. Every
step towards the ledger is written into the journal before it is taken, so that a killed worker
goes on where it stopped: it never claims twice and never loses a result.
"""

from __future__ import annotations

import logging
import shutil
from contextlib import ExitStack
from pathlib import Path

from ..domain.errors import EvidenceError, InputError, LedgerRejected, MachineError, ServiceError
from ..domain.hops import Hop
from ..domain.job import Job, Task
from ..domain.log_context import working_on
from ..intake.fetching import Stopped
from ..ports.clock import Clock
from ..ports.content import ContentStore
from ..ports.images import ImageDecoder
from ..ports.journal import Journal
from ..ports.ledger import Head, Ledger
from ..ports.renderer import Renderer
from . import policy
from .appeals import Appeals
from .claims import Claims
from .delivery import Delivery
from .holdings import Holdings
from .job_files import JobFiles
from .market import Market
from .settings import WorkerSettings
from .workshop import Workshop

log = logging.getLogger("tileproof.worker")

_TAKEN = "TASK_NOT_OPEN"
"""Another was faster: no fault of the job's."""


class Worker:
    """Runs until asked to stop. Killed at any point, it goes on from its journal when run again."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        store: ContentStore,
        renderer: Renderer,
        decoder: ImageDecoder,
        journal: Journal,
        clock: Clock,
        settings: WorkerSettings,
        home: Path,
    ) -> None:
        self._ledger, self._clock, self._settings, self._home = ledger, clock, settings, home
        self._account = ledger.account()
        self._claims = Claims(journal)
        self._market = Market(ledger, journal, clock, settings.longest_pause_seconds)
        self._workshop = Workshop(renderer, decoder, journal, clock, settings)
        self._files = JobFiles(store, clock, settings, home)
        self._delivery = Delivery(
            ledger,
            store,
            self._claims,
            self._workshop,
            self._files,
            self._market,
            settings,
            home,
            between_frames=lambda: self._holdings.attend(),
        )
        appeals = Appeals(ledger, store, self._claims, self._workshop, self._files, settings, home)
        self._holdings = Holdings(
            ledger, store, self._claims, self._delivery, appeals, self._market, clock, settings
        )

    def run(self) -> None:
        """Raises what makes going on pointless: ServiceError that no retry mends, MachineError
        and ConfigError of the ports."""
        machine = self._workshop.machine()
        shutil.rmtree(self._home / "opening", ignore_errors=True)
        log.info(
            "started account=%s blender=%s device=%s sandbox=%s",
            self._account,
            machine.blender_build.replace(" ", "-"),
            machine.device_class,
            machine.sandbox,
        )
        while not self._clock.stopping:
            busy = False
            try:
                busy = self.tick()
            except Stopped:
                break
            except ServiceError as error:
                if not error.retryable:
                    raise
                log.warning("waiting for a service: %s (%s)", error.message, error.code)
            if not busy and self._clock.wait(self._settings.poll_seconds):
                break
        self._holdings.give_back_unfinished()
        log.info("stopped claims=%d", len(self._holdings.under_way()))

    def tick(self) -> bool:
        """One look at the ledger and everything that follows from it; True when a task was
        worked on, so that the next look need not wait."""
        try:
            return self._look()
        except InputError as error:
            if error.code != "job.unknown":
                raise
            log.warning("%s any more: the chain was reorganised during a look at it", error.message)
            return False

    def _look(self) -> bool:
        self._market.follow(self._holdings.rewind)
        head = self._ledger.head()
        worked = self._holdings.go_on(head)
        if not worked and self._may_claim():
            worked = self._find_work(head)
        return worked

    def _may_claim(self) -> bool:
        if self._holdings.rejects >= self._settings.stop_after_rejects:
            self._market.tell_once(
                0, "results of this machine were rejected: claiming nothing more until it is started again"
            )
            return False
        return len(self._holdings.under_way()) < self._settings.max_claims

    def _find_work(self, head: Head) -> bool:
        for job_id in self._market.jobs():
            with working_on(job_id):
                job = self._ledger.job(job_id)
                if job.closed or job.paid + job.refunded >= job.task_count:
                    self._market.drop(job_id)
                    continue
                why_not = policy.why_not_terms(job, self._settings, head)
                if why_not is not None:
                    self._market.tell_once(job_id, why_not)
                    continue
                if self._try_job(job, head):
                    return True
        return False

    def _try_job(self, job: Job, head: Head) -> bool:
        failed = self._market.failed(job.job_id)
        if len(failed) >= self._settings.stop_after_failures:
            self._market.tell_once(job.job_id, f"{len(failed)} of its tasks went wrong here")
            return False
        under_way = self._holdings.under_way()
        ours = {claim.task for claim in under_way if claim.job_id == job.job_id}
        tasks = self._ledger.tasks(job.job_id)
        task = policy.choose_task(job, tasks, self._account, failed | ours)
        if task is None:
            return False
        others = {claim.job_id for claim in under_way} - {job.job_id}
        terms = [job.terms, *(self._ledger.job(other).terms for other in others)]
        why_not = policy.why_not_bonds(
            job,
            self._ledger.balances(self._account).withdrawable,
            policy.kept_for_appeals(terms, self._settings),
        )
        if why_not is not None:
            self._market.tell_once(job.job_id, why_not)
            return False
        try:
            with working_on(job.job_id, task.task, policy.attempt_of_claim(task)):
                return self._open_claim_render(job, task, head)
        except ServiceError as error:
            if error.code != "content.not_found":
                raise
            self._market.put_off(job.job_id, f"nobody serves it now: {error.message}")
        except EvidenceError as error:
            log.error("failed job=%d code=%s: %s", job.job_id, error.code, error.message)
            self._market.drop(job.job_id)
        except MachineError as error:
            log.error("failed job=%d code=%s: %s", job.job_id, error.code, error.message)
            self._market.put_off(job.job_id, f"it cannot be opened here: {error.code}")
        return False

    def _open_claim_render(self, job: Job, task: Task, head: Head) -> bool:
        """Opens the scene first, so that a scene that cannot be opened costs no bond."""
        manifest = self._files.manifest(job)
        why_not = policy.why_not_lane(job, manifest)
        why_not = why_not or policy.why_not_manifest(manifest, self._workshop.machine(), self._settings)
        if why_not is not None:
            self._market.tell_once(job.job_id, why_not)
            self._market.drop(job.job_id)
            return False
        why_not = policy.why_not_bytes(job, manifest, task.task, self._settings, head)
        if why_not is not None:
            self._market.put_off(job.job_id, why_not)
            return False
        claim = self._claims.begun(job.job_id, task.task, policy.attempt_of_claim(task))
        with ExitStack() as stack:
            scene = self._files.scene(manifest)
            scratch = self._home / "opening"
            session = stack.enter_context(self._workshop.opened(manifest, task.task, scene, scratch))
            log.info("opened job=%d task=%d scene=%s", job.job_id, task.task, manifest.scene)
            if self._clock.stopping:
                raise Stopped
            self._claims.put(claim)
            try:
                receipt = self._ledger.claim(job.job_id, [task.task])
            except LedgerRejected as error:
                log.info("claim job=%d task=%d: %s", job.job_id, task.task, error.reason)
                self._holdings.never_made(claim)
                if error.reason != _TAKEN:
                    self._market.put_off(job.job_id, f"its claims are refused: {error.reason}")
                return False
            self._market.begun(job.job_id)
            log.info(
                "hop=%d claimed job=%d task=%d attempt=%d tx=%#x",
                Hop.CLAIMED,
                job.job_id,
                task.task,
                claim.attempt,
                receipt.tx_hash,
            )
            claim = self._holdings.claimed(claim, self._ledger.task(job.job_id, task.task))
            with claim.logged():
                self._delivery.begin(claim, job, manifest, session, stack.close)
        return True
