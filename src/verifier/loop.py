"""The verifier's loop: follow the ledger, audit when drawn, commit, reveal, settle.

Ledger and journal are touched by the loop's own thread only. One audit at a time runs beside
it, so that a long render never makes a reveal late.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ..audit.report import AuditReport
from ..domain.cid import Cid
from ..domain.errors import InputError, ServiceError, TileproofError
from ..domain.hops import Hop
from ..domain.job import Job, Task, TaskState
from ..domain.log_context import carried, working_on
from ..intake.fetching import Stopped
from ..intake.following import EventFollower
from ..ports.clock import Clock
from ..ports.content import ContentStore
from ..ports.images import ImageDecoder
from ..ports.journal import Journal
from ..ports.ledger import AppealRaised, Head, Ledger, Receipt, ResultSubmitted, TaskDrawn
from ..ports.renderer import Renderer
from .audit import audit_submission
from .ballots import OVER, Ballots, send
from .pace import Pace
from .settings import VerifierSettings
from .subject import Subject, subject_of_round
from .votes import RoundKey, Stage, Votes, key_of
from .watchlist import Watchlist

log = logging.getLogger("tileproof.verifier")


@dataclass(frozen=True, slots=True)
class _Audited:
    """What the audit thread hands back."""

    report: AuditReport
    evidence: Cid


@dataclass(frozen=True, slots=True)
class _Running:
    key: RoundKey
    future: Future[_Audited]


class Verifier:
    """Runs until asked to stop. Killed at any point, it goes on from its journal when run
    again, and no seat of it ever commits to two verdicts in one round.

    ``executor`` runs audits and everything else that touches the store; one thread by default.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        store: ContentStore,
        renderer: Renderer,
        decoder: ImageDecoder,
        journal: Journal,
        clock: Clock,
        settings: VerifierSettings,
        home: Path,
        executor: Executor | None = None,
    ) -> None:
        self._ledger, self._store, self._renderer, self._decoder = ledger, store, renderer, decoder
        self._clock, self._settings, self._home = clock, settings, home
        self._executor = executor or ThreadPoolExecutor(1, thread_name_prefix="audit")
        self._votes = Votes(journal)
        self._ballots = Ballots(ledger, self._votes)
        self._pace = Pace(settings.block_seconds)
        self._follower = EventFollower(ledger, journal)
        self._watchlist = Watchlist(journal)
        self._running: _Running | None = None
        self._given_up: set[RoundKey] = set()
        self._told: set[RoundKey] = set()
        self._first_seen: dict[tuple[str, RoundKey], float] = {}
        self._slots: frozenset[int] = frozenset()
        voted = {self._report_folder(vote.key) for vote in self._votes.every()}
        self._orphans = {each for each in (home / "reports").glob("*") if each not in voted}

    def run(self) -> None:
        """Raises what makes going on pointless: ServiceError that no retry mends, MachineError
        and ConfigError of the ports."""
        shutil.rmtree(self._home / "work", ignore_errors=True)  # a killed audit's leavings
        self._read_seats()
        log.info("started account=%s seats=%s", self._ledger.account(), sorted(self._slots))
        try:
            while not self._clock.stopping:
                self._tick_or_wait()
                if self._clock.wait(self._settings.poll_seconds):
                    break
            self._finish_quickly()
        finally:
            self._executor.shutdown(wait=True)
        log.info("stopped open_votes=%d", sum(v.stage.is_open for v in self._votes.every()))

    def _tick_or_wait(self) -> None:
        try:
            self.tick()
        except ServiceError as error:
            if not error.retryable:
                raise
            log.warning("waiting for a service: %s (%s)", error.message, error.code)

    def tick(self) -> None:
        """One look at the ledger and everything that follows from it."""
        try:
            self._look()
        except InputError as error:
            if error.code != "job.unknown":
                raise
            log.warning("%s any more: the chain was reorganised during a look at it", error.message)

    def _look(self) -> None:
        if not self._slots:
            self._read_seats()
        head = self._ledger.head()
        self._pace.observe(head)
        self._follow_events()
        self._collect_audit()
        self._drop_orphans()
        for job_id, numbers in sorted(self._watchlist.by_job().items()):
            with working_on(job_id):
                job = self._ledger.job(job_id)
                tasks = [task for task in self._ledger.tasks(job_id) if task.task in numbers]
                self._look_at(job, tasks, head)
        self._unpin_what_is_over(head)
        self._watchlist.forget_what_stays_over(head.block)

    def _follow_events(self) -> None:
        page = self._follower.news()
        if page.rewound_to is not None:
            log.warning(
                "the chain was reorganised: what it told from block %d on is read again", page.rewound_to
            )
            self._watchlist.rewind(page.rewound_to)
            self._told, self._given_up, self._first_seen = set(), set(), {}
        for event in page.events:
            if isinstance(event, ResultSubmitted | TaskDrawn | AppealRaised):
                self._watchlist.add(event.job_id, event.task, block=event.block)
        self._follower.keep(page)

    def _look_at(self, job: Job, tasks: Sequence[Task], head: Head) -> None:
        draw: list[Task] = []
        settle: list[Task] = []
        for task in tasks:
            key = key_of(task)
            with key.logged():
                self._ballots.update(task, key, head)
                if task.state is TaskState.DRAWABLE and self._my_turn("draw", key):
                    draw.append(task)
                elif task.state is TaskState.SETTLEABLE and self._my_turn("settle", key):
                    settle.append(task)
                elif task.state is TaskState.COMMITTING:
                    self._audit_if_drawn(job, task, key, head)
                elif task.state in OVER:
                    self._unwatch(job.job_id, task.task, head)
        self._send_draws(job.job_id, draw)
        self._ballots.send_commits(job.job_id, tasks)
        self._ballots.send_reveals(job.job_id, tasks)
        self._send_settles(job.job_id, settle)

    # --- audits ---

    def _audit_if_drawn(self, job: Job, task: Task, key: RoundKey, head: Head) -> None:
        new = key not in self._told
        if new:
            self._read_seats()
        seats = self._my_seats(task)
        if new:
            self._told.add(key)
            log.info(
                "hop=%d drawn job=%d task=%d attempt=%d round=%d seed=%#x mine=%s",
                Hop.DRAWN, key.job_id, key.task, key.attempt, key.round, task.audit_seed or 0, seats,
            )  # fmt: skip
        if self._votes.of(key):
            self._ballots.seal_missing(key, seats)
            return
        if not seats or self._running or key in self._given_up:
            return
        if self._report_folder(key) in self._orphans:
            return  # its pin goes first
        left = task.window_ends_block - head.block - self._settings.commit_margin_blocks
        deadline = self._clock.monotonic() + max(0.0, left * self._pace.seconds_per_block)
        try:
            subject = subject_of_round(self._ledger, job, task)
        except ServiceError as error:
            if error.retryable:
                raise
            log.error("cannot audit job=%d task=%d: %s (%s)", key.job_id, key.task, error, error.code)
            self._given_up.add(key)
            return
        future = self._executor.submit(carried(self._audit), subject, key, deadline)
        self._running = _Running(key, future)

    def _audit(self, subject: Subject, key: RoundKey, deadline: float) -> _Audited:
        """Runs in the audit thread: store, renderer, decoder and files only."""
        evidence = self._report_folder(key)
        shutil.rmtree(evidence, ignore_errors=True)
        report = audit_submission(
            subject=subject,
            store=self._store,
            renderer=self._renderer,
            decoder=self._decoder,
            clock=self._clock,
            settings=self._settings,
            home=self._home,
            evidence=evidence,
            deadline=deadline,
        )
        return _Audited(report, self._store.add_directory(evidence))

    def _collect_audit(self) -> None:
        """Seals the verdict of a finished audit: salt and all are durable before anything is sent."""
        running = self._running
        if running is None or not running.future.done():
            return
        with running.key.logged():
            self._take_verdict(running)

    def _take_verdict(self, running: _Running) -> None:
        key = running.key
        task = self._task_of(key)  # first: should it fail, the audit is kept
        self._running = None
        try:
            audited = running.future.result()
        except Stopped:
            return
        except TileproofError as error:
            log.error("audit failed job=%d task=%d: %s (%s)", key.job_id, key.task, error, error.code)
            if not (isinstance(error, ServiceError) and error.retryable):
                self._given_up.add(key)
            return
        except Exception:
            # One job must not stop the others; the seat stays silent, and the log says why.
            log.exception("audit crashed job=%d task=%d", key.job_id, key.task)
            self._given_up.add(key)
            return
        self._log_audited(key, audited)
        if task is not None and key_of(task) == key and (seats := self._my_seats(task)):
            self._ballots.seal(key, seats, audited.report.judgement, audited.evidence)
        else:
            self._orphans.add(self._report_folder(key))

    def _drop_orphans(self) -> None:
        """Reports that no vote rests on: their rounds were over, or their audits were killed. A
        store that is down makes no reveal late: they go when it is back."""
        if self._running is not None:
            return  # the store is the audit thread's
        for folder in sorted(self._orphans):
            try:
                self._executor.submit(self._drop, folder).result()
            except TileproofError as error:
                log.warning("a report without a vote stays for now: %s (%s)", error.message, error.code)
                return
            self._orphans.discard(folder)

    def _drop(self, report: Path) -> None:
        """Runs in the audit thread. Added anew, the same bytes have the same CID: it may be pinned."""
        self._store.unpin(self._store.add_directory(report))
        shutil.rmtree(report, ignore_errors=True)

    # --- what anyone may send ---

    def _send_draws(self, job_id: int, tasks: Sequence[Task]) -> None:
        def call(batch: Sequence[Task]) -> Receipt:
            return self._ledger.draw(job_id, [task.task for task in batch])

        for task, receipt in send(tasks, call, "draw"):
            with key_of(task).logged():
                log.info("sent a draw job=%d task=%d tx=%#x", job_id, task.task, receipt.tx_hash)

    def _send_settles(self, job_id: int, tasks: Sequence[Task]) -> None:
        def call(batch: Sequence[Task]) -> Receipt:
            return self._ledger.settle(job_id, [task.task for task in batch])

        for task, receipt in send(tasks, call, "settle"):
            with key_of(task).logged():
                log.info(
                    "hop=%d settled job=%d task=%d tx=%#x", Hop.SETTLED, job_id, task.task, receipt.tx_hash
                )

    def _my_turn(self, action: str, key: RoundKey) -> bool:
        """True once this verifier's share of the stagger has passed since it first saw the need."""
        if not self._slots:
            return False
        text = f"{action} {key} {self._ledger.account()}"
        share = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") / 2**32
        now = self._clock.monotonic()
        first = self._first_seen.setdefault((action, key), now)
        return now - first >= share * self._settings.stagger_seconds

    # --- the end ---

    def _finish_quickly(self) -> None:
        """Asked to stop: sends the commitments and reveals that can be sent now, nothing more."""
        try:
            head = self._ledger.head()
            for job_id, numbers in sorted(self._watchlist.by_job().items()):
                with working_on(job_id):
                    tasks = [task for task in self._ledger.tasks(job_id) if task.task in numbers]
                    for task in tasks:
                        self._ballots.update(task, key_of(task), head)
                    self._ballots.send_commits(job_id, tasks)
                    self._ballots.send_reveals(job_id, tasks)
        except TileproofError as error:
            log.warning("could not finish before stopping: %s (%s)", error.message, error.code)

    def _unpin_what_is_over(self, head: Head) -> None:
        if self._running is not None:
            return  # the store is the audit thread's
        for vote in self._votes.every():
            over = vote.over_at_block
            if vote.stage is Stage.UNPINNED or over is None:
                continue
            if head.block >= over + self._settings.keep_reports_blocks:
                with vote.key.logged():
                    self._executor.submit(carried(self._store.unpin), vote.evidence).result()
                shutil.rmtree(self._report_folder(vote.key), ignore_errors=True)
                self._votes.advance(vote, Stage.UNPINNED)

    # --- small things ---

    def _read_seats(self) -> None:
        seats = self._ledger.seats_of(self._ledger.account())
        self._slots = frozenset(seat.slot for seat in seats if not seat.collected)

    def _task_of(self, key: RoundKey) -> Task | None:
        """None where a reorganisation has undone the whole job."""
        try:
            return self._ledger.task(key.job_id, key.task)
        except InputError as error:
            if error.code != "job.unknown":
                raise
            return None

    def _report_folder(self, key: RoundKey) -> Path:
        return self._home / "reports" / str(key).replace("/", "-")

    def _my_seats(self, task: Task) -> list[int]:
        return [index for index, slot in enumerate(task.seats) if slot in self._slots]

    def _unwatch(self, job_id: int, task: int, head: Head) -> None:
        self._watchlist.end(job_id, task, head=head.block)
        self._told = {key for key in self._told if (key.job_id, key.task) != (job_id, task)}
        self._first_seen = {
            need: at
            for need, at in self._first_seen.items()
            if (need[1].job_id, need[1].task) != (job_id, task)
        }

    def _log_audited(self, key: RoundKey, audited: _Audited) -> None:
        report = audited.report
        log.info(
            "hop=%d audited job=%d task=%d verdict=%s ground=%s equal=%d/%d worst_psnr_db=%.1f "
            "phash=%d report=%s",
            Hop.AUDITED, key.job_id, key.task, report.judgement.verdict.value.lower(),
            report.judgement.ground.value.lower(), report.equal_tiles, len(report.tiles),
            report.worst_psnr_db, report.worst_phash, audited.evidence,
        )  # fmt: skip
        log.info("because job=%d task=%d: %s", key.job_id, key.task, report.judgement.reason)
