"""The worker's loop: find work, claim, render, pin, submit, serve until final.

One thing at a time, in one thread: between two tasks the loop looks at the ledger and does what
anyone may do for its own submissions. Every step towards the ledger is written into the
journal before it is taken, so that a killed worker goes on where it stopped: it never claims
twice and never loses a result.
"""

from __future__ import annotations

import logging
import shutil
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ..domain.cid import Cid
from ..domain.errors import EvidenceError, LedgerRejected, MachineError, ServiceError
from ..domain.hops import Hop
from ..domain.job import Job, Outcome, Task, TaskResult, TaskState
from ..domain.manifest import MAX_BYTES, Manifest, decode
from ..intake.fetching import Fetcher, SceneCache, Stopped
from ..ports.clock import Clock
from ..ports.content import ContentStore
from ..ports.images import ImageDecoder
from ..ports.journal import Journal
from ..ports.ledger import Head, Ledger, TaskSettled
from ..ports.renderer import Renderer
from . import policy
from .claims import Claim, Claims, Stage
from .market import Market
from .settings import WorkerSettings
from .workshop import Bench, Workshop

log = logging.getLogger("tileproof.worker")

_TAKEN = "TASK_NOT_OPEN"
"""Another was faster: no fault of the job's."""
_UNDER_WAY = (Stage.CLAIMING, Stage.CLAIMED, Stage.SUBMITTING, Stage.SUBMITTED)


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
        self._ledger, self._store = ledger, store
        self._clock, self._settings, self._home = clock, settings, home
        self._account = ledger.account()
        self._claims = Claims(journal)
        self._market = Market(ledger, journal, clock, settings.longest_pause_seconds)
        self._workshop = Workshop(renderer, decoder, journal, clock, settings)
        self._scenes = SceneCache(home / "scenes", settings.scene_cache_bytes)
        self._manifests: dict[Cid, Manifest] = {}
        self._rejects = 0
        self._seen: dict[tuple[str, str], float] = {}

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
        self._give_back_unfinished()
        log.info("stopped claims=%d", len(self._under_way()))

    def tick(self) -> bool:
        """One look at the ledger and everything that follows from it; True when a task was
        worked on, so that the next look need not wait."""
        self._market.follow()
        head = self._ledger.head()
        worked = self._go_on(head)
        if not worked and self._may_claim():
            worked = self._find_work(head)
        return worked

    # --- what was begun ---

    def _go_on(self, head: Head) -> bool:
        by_job: defaultdict[int, list[str]] = defaultdict(list)
        for claim in self._claims.every():
            by_job[claim.job_id].append(claim.key)
        worked = False
        for job_id, keys in by_job.items():
            job = self._ledger.job(job_id)
            for key in keys:
                current = self._claims.get(key)
                if current is None:
                    continue  # it was the same claim under the attempt that was first thought of
                if current.stage is Stage.FINAL:
                    self._forget_if_deep(current, head)
                    continue
                worked = self._step(current, job, self._ledger.task(job_id, current.task)) or worked
        return worked

    def _step(self, claim: Claim, job: Job, task: Task) -> bool:
        """Takes one claim a step further; True when that was work of some length."""
        ours = task.worker == self._account
        if claim.stage is Stage.CLAIMING:
            if not ours or task.state not in (TaskState.CLAIMED, TaskState.LAPSED):
                self._claims.forget(claim)  # the claim never reached the ledger, or another was faster
                return False
            claim = self._claimed(claim, task)
        if not (ours and task.attempt == claim.attempt) or task.state is TaskState.LAPSED:
            self._close(claim, task)
            return False
        if task.state is TaskState.CLAIMED:
            with self._failing_gives_back(claim, job):
                return self._render_and_submit(claim, job, task)
            return True
        if claim.stage is not Stage.SUBMITTED:
            claim = self._claims.move(claim, Stage.SUBMITTED)
            self._log_submitted(claim, " (by an earlier process)")
        self._help_along(claim, task)
        return False

    def _claimed(self, claim: Claim, task: Task) -> Claim:
        """The claim under the attempt that the ledger knows it by: while the scene was being
        opened, another may have claimed the task and given it back."""
        if task.attempt == claim.attempt:
            return self._claims.move(claim, Stage.CLAIMED)
        moved = self._claims.move(claim, Stage.CLAIMED, attempt=task.attempt)
        self._claims.forget(claim)
        return moved

    def _close(self, claim: Claim, task: Task) -> None:
        """The claim is over, one way or another; what it pinned stays for a while."""
        if task.state is TaskState.LAPSED and task.worker == self._account:
            self._release(claim)
        outcome = self._outcome_of(claim)
        if outcome in (Outcome.REJECTED, Outcome.UNAVAILABLE):
            self._rejects += 1
            self._market.note_failure(claim.job_id, claim.task, outcome.value)
            log.error(
                "hop=%d settled job=%d task=%d outcome=%s: the bond is lost; look at the report with "
                "`tileproof client logs %d`",
                Hop.SETTLED,
                claim.job_id,
                claim.task,
                outcome.value.lower(),
                claim.job_id,
            )
        elif outcome is Outcome.UNDECIDED:
            log.warning(
                "lost job=%d task=%d attempt=%d: the claim ended without a submission",
                claim.job_id,
                claim.task,
                claim.attempt,
            )
        else:
            log.info(
                "hop=%d settled job=%d task=%d outcome=%s",
                Hop.SETTLED,
                claim.job_id,
                claim.task,
                outcome.value.lower(),
            )
        self._finish(claim)

    def _release(self, claim: Claim) -> None:
        """Gets back what the lapse left of the bond."""
        try:
            self._ledger.release(claim.job_id, [claim.task])
        except LedgerRejected as error:
            log.info("release job=%d task=%d: %s", claim.job_id, claim.task, error.reason)

    def _outcome_of(self, claim: Claim) -> Outcome:
        created = self._ledger.job(claim.job_id).created_block
        for event in reversed(self._ledger.events(created, job_id=claim.job_id).events):
            if (
                isinstance(event, TaskSettled)
                and event.task == claim.task
                and event.attempt == claim.attempt
                and event.worker == self._account
            ):
                return event.outcome
        return Outcome.UNDECIDED

    def _finish(self, claim: Claim) -> None:
        """The claim's files go now; what it pinned goes once the outcome is deep."""
        result = self._folder(claim) / "result"
        if claim.result is None and result.is_dir():
            # A process killed between pinning and writing that down left a pin without a name.
            cid = self._store.add_directory(result)
            claim = self._claims.move(claim, claim.stage, result=cid, pins=(*claim.pins, cid))
        self._workshop.forget(self._folder(claim), claim)
        self._claims.move(claim, Stage.FINAL, final_block=self._ledger.head().block)

    def _help_along(self, claim: Claim, task: Task) -> None:
        """Draws and settles what nobody else has, and notices the end."""
        if task.state.is_final:
            if task.state is TaskState.PAID:
                log.info("hop=%d settled job=%d task=%d paid=1", Hop.SETTLED, claim.job_id, claim.task)
            self._finish(claim)
            return
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

    # --- new work ---

    def _may_claim(self) -> bool:
        if self._rejects >= self._settings.stop_after_rejects:
            self._market.tell_once(
                0, "results of this machine were rejected: claiming nothing more until it is started again"
            )
            return False
        return len(self._under_way()) < self._settings.max_claims

    def _under_way(self) -> list[Claim]:
        return [claim for claim in self._claims.every() if claim.stage in _UNDER_WAY]

    def _find_work(self, head: Head) -> bool:
        for job_id in self._market.jobs():
            job = self._ledger.job(job_id)
            if job.closed or job.paid + job.refunded >= job.task_count:
                self._market.drop(job_id)
                continue
            why_not = policy.why_not_terms(job, self._settings, head.timestamp)
            if why_not is not None:
                self._market.tell_once(job_id, why_not)
                continue
            if self._try_job(job):
                return True
        return False

    def _try_job(self, job: Job) -> bool:
        failed = self._market.failed(job.job_id)
        if len(failed) >= self._settings.stop_after_failures:
            self._market.tell_once(job.job_id, f"{len(failed)} of its tasks went wrong here")
            return False
        task = policy.choose_task(job, self._ledger.tasks(job.job_id), self._account, failed)
        if task is None:
            return False
        if not policy.can_afford(job, self._ledger.balances(self._account).withdrawable):
            self._market.tell_once(
                job.job_id, f"its bond of {job.terms.worker_bond} is more than is withdrawable"
            )
            return False
        try:
            return self._open_claim_render(job, task)
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

    def _open_claim_render(self, job: Job, task: Task) -> bool:
        """Opens the scene first, so that a scene that cannot be opened costs no bond."""
        manifest = self._manifest(job)
        why_not = policy.why_not_manifest(manifest, self._workshop.machine(), self._settings)
        if why_not is not None:
            self._market.tell_once(job.job_id, why_not)
            self._market.drop(job.job_id)
            return False
        claim = Claim(job.job_id, task.task, policy.attempt_of_claim(task), Stage.CLAIMING)
        with ExitStack() as stack:
            scene = self._scene(manifest)
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
                self._claims.forget(claim)
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
            claim = self._claimed(claim, self._ledger.task(job.job_id, task.task))
            with self._failing_gives_back(claim, job):
                bench = self._bench(claim, manifest)
                files = self._workshop.render(bench, session)
                stack.close()
                self._deliver(claim, bench, self._workshop.finish(bench, files))
        return True

    def _render_and_submit(self, claim: Claim, job: Job, task: Task) -> bool:
        """Goes on with a claim that an earlier process made, or that a service kept from being
        submitted; False when there is nothing to do but to wait."""
        head = self._ledger.head()
        if head.timestamp >= task.lease_until:
            return False  # lapsed meanwhile; the next look closes it
        bench = self._bench(claim, self._manifest(job))
        if not self._workshop.is_done(bench):
            scratch = bench.folder / "render"
            with self._workshop.opened(bench.manifest, claim.task, bench.scene, scratch) as session:
                files = self._workshop.render(bench, session)
            self._workshop.finish(bench, files)
        return self._deliver(claim, bench, bench.result)

    def _bench(self, claim: Claim, manifest: Manifest) -> Bench:
        scene = self._scene(manifest)
        size = sum(file.size for file in manifest.files)
        log.info(
            "hop=%d fetched job=%d task=%d cid=%s bytes=%d",
            Hop.FETCHED,
            claim.job_id,
            claim.task,
            manifest.scene,
            size,
        )
        return Bench(claim, manifest, scene, self._folder(claim))

    def _deliver(self, claim: Claim, bench: Bench, result: Path) -> bool:
        """Pins the result, and the scene and manifest beside it, then submits; False when the
        ledger refused."""
        job = self._ledger.job(claim.job_id)
        beside = (bench.manifest.scene, job.manifest)
        if not claim.pins:
            claim = self._claims.move(claim, claim.stage, pins=self._ours(claim, beside))
        cid = self._store.add_directory(result)
        for other in beside:
            self._store.pin(other, timeout=self._settings.fetch_seconds)
        log.info("hop=%d delivered job=%d task=%d cid=%s", Hop.DELIVERED, claim.job_id, claim.task, cid)
        claim = self._claims.move(
            claim, Stage.SUBMITTING, result=cid, pins=tuple(dict.fromkeys((*claim.pins, cid)))
        )
        try:
            receipt = self._ledger.submit(claim.job_id, [TaskResult(claim.task, cid)])
        except LedgerRejected as error:
            log.warning("submit job=%d task=%d: %s", claim.job_id, claim.task, error.reason)
            return False  # lapsed, or sent by the process before this one: the next look tells
        self._log_submitted(claim, f" tx={receipt.tx_hash:#x}")
        self._claims.move(claim, Stage.SUBMITTED)
        return True

    def _ours(self, claim: Claim, cids: tuple[Cid, ...]) -> tuple[Cid, ...]:
        """Which of these are ours to unpin one day: not what this node keeps for somebody else."""
        kept = self._store.pins()
        ours = {cid for other in self._claims.every() if other.key != claim.key for cid in other.pins}
        return tuple(cid for cid in cids if cid not in kept or cid in ours)

    def _log_submitted(self, claim: Claim, how: str) -> None:
        log.info(
            "hop=%d submitted job=%d task=%d cid=%s%s",
            Hop.SUBMITTED,
            claim.job_id,
            claim.task,
            claim.result,
            how,
        )

    # --- failing well ---

    @contextmanager
    def _failing_gives_back(self, claim: Claim, job: Job) -> Iterator[None]:
        """What went wrong on this machine gives the task back: a small loss, and the task is
        free for others at once. It is never claimed here again."""
        try:
            yield
        except (MachineError, EvidenceError) as error:
            log.error(
                "failed job=%d task=%d code=%s: %s", claim.job_id, claim.task, error.code, error.message
            )
            self._market.note_failure(claim.job_id, claim.task, error.code)
            self._give_back(claim, job)

    def _give_back(self, claim: Claim, job: Job) -> None:
        try:
            receipt = self._ledger.give_back(claim.job_id, [claim.task])
        except LedgerRejected as error:
            log.warning("give back job=%d task=%d: %s", claim.job_id, claim.task, error.reason)
            return  # it ended by itself: the next look closes it
        loss = policy.lapse_loss(job, self._ledger.bounds())
        log.info(
            "gave back job=%d task=%d forfeited=%s tx=%#x",
            claim.job_id,
            claim.task,
            loss.strk(),
            receipt.tx_hash,
        )
        self._finish(self._claims.get(claim.key) or claim)

    def _give_back_unfinished(self) -> None:
        """On the way out: what is claimed and not submitted would only lapse."""
        for claim in self._under_way():
            if claim.stage is Stage.CLAIMED:
                try:
                    self._give_back(claim, self._ledger.job(claim.job_id))
                except ServiceError as error:
                    log.warning(
                        "not given back job=%d task=%d: %s (%s); it goes on when the worker is started again",
                        claim.job_id,
                        claim.task,
                        error.message,
                        error.code,
                    )

    # --- bytes ---

    def _manifest(self, job: Job) -> Manifest:
        if job.manifest not in self._manifests:
            block = self._fetcher(self._settings.manifest_seconds).block(job.manifest, MAX_BYTES)
            manifest = decode(block)
            if len(manifest.tasks) != job.task_count:
                raise EvidenceError(
                    "manifest.task_count",
                    f"job {job.job_id} has {job.task_count} tasks on the ledger and "
                    f"{len(manifest.tasks)} in its manifest",
                    job=job.job_id,
                )
            self._manifests[job.manifest] = manifest
        return self._manifests[job.manifest]

    def _scene(self, manifest: Manifest) -> Path:
        return self._scenes.get(manifest, self._fetcher(self._settings.fetch_seconds))

    def _fetcher(self, seconds: float) -> Fetcher:
        until = self._clock.monotonic() + min(seconds, self._settings.fetch_seconds)
        return Fetcher(self._store, self._clock, self._settings.poll_seconds, until)

    def _folder(self, claim: Claim) -> Path:
        return self._home / "claims" / claim.key
