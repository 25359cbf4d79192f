"""A worker's own appeals: a verdict against its result is contested once it has checked that the
result is right."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from ..domain.block_time import from_now
from ..domain.errors import EvidenceError, LedgerRejected, MachineError, ServiceError, disk_full_named
from ..domain.job import Appeal, Job, Question, Task
from ..domain.result import max_result_bytes
from ..domain.sampling import sample_tiles
from ..ports.content import ContentStore
from ..ports.ledger import Ledger
from . import plea
from .claims import Claim, Claims, Plea
from .job_files import JobFiles
from .settings import WorkerSettings
from .workshop import Bench, Workshop

log = logging.getLogger("tileproof.worker")


class Appeals:
    """Each step is in the journal before it is taken: a worker killed at any point neither
    forgets an appeal nor raises a second one."""

    def __init__(
        self,
        ledger: Ledger,
        store: ContentStore,
        claims: Claims,
        workshop: Workshop,
        files: JobFiles,
        settings: WorkerSettings,
        home: Path,
    ) -> None:
        self._ledger, self._store, self._claims = ledger, store, claims
        self._workshop, self._files = workshop, files
        self._settings, self._home = settings, home
        self._account = ledger.account()
        self._put_aside: set[str] = set()
        self._told: set[str] = set()

    def consider(self, claim: Claim, job: Job, task: Task) -> None:
        """A step towards an appeal when the task's provisional verdict is against this claim.

        Raises ServiceError as the ports do; Stopped.
        """
        if task.appeal is not None:
            self._take_note(claim, task)
            return
        appeal = plea.answer_to(task)
        if appeal is None or claim.plea is Plea.DROPPED or claim.key in self._put_aside:
            return
        if claim.plea is Plea.NONE:
            claim = self._look_into(claim, job, task, appeal)
        if claim.plea in (Plea.DUE, Plea.RAISED):  # raised and not there: its block was undone
            self._raise(claim, job, task, appeal)

    def _take_note(self, claim: Claim, task: Task) -> None:
        """An appeal is on the ledger: this worker's, perhaps sent by an earlier process, or the
        requester's."""
        assert task.appeal is not None
        if task.appeal.appellant != self._account:
            if self._first(f"theirs {claim.key}"):
                log.warning(
                    "contested job=%d task=%d by=%s question=%s",
                    claim.job_id,
                    claim.task,
                    task.appeal.appellant,
                    task.appeal.question.value,
                )
        elif claim.plea is not Plea.RAISED:
            self._claims.move(claim, claim.stage, plea=Plea.RAISED)
            log.info(
                "appealed job=%d task=%d question=%s position=%d tile=%d (by an earlier process)",
                claim.job_id,
                claim.task,
                task.appeal.question.value,
                task.appeal.position,
                task.appeal.tile,
            )

    def _look_into(self, claim: Claim, job: Job, task: Task, appeal: Appeal) -> Claim:
        """Decides, and writes down, whether to contest the verdict."""
        log.warning(
            "judged job=%d task=%d outcome=%s ground=%s index=%d appeal_until_block=%d",
            claim.job_id,
            claim.task,
            task.outcome.value.lower(),
            task.ground.value.lower(),
            task.index,
            task.window_ends_block,
        )
        why_not = plea.why_not(job.terms, task.outcome) if self._settings.appeal else "appeals are turned off"
        try:
            why_not = why_not or self._own_fault(claim, job, task, appeal)
        except (MachineError, ServiceError) as error:
            if isinstance(error, ServiceError) and error.code != "content.not_found":
                raise
            self._put_aside.add(claim.key)
            self._say_not(claim, f"it cannot be checked here ({error.code}); a restart tries again")
            return claim
        if why_not is not None:
            self._say_not(claim, why_not)
            return self._claims.move(claim, claim.stage, plea=Plea.DROPPED)
        return self._claims.move(claim, claim.stage, plea=Plea.DUE)

    def _own_fault(self, claim: Claim, job: Job, task: Task, appeal: Appeal) -> str | None:
        """What is wrong with this worker's own result in what the appeal asks; None when nothing
        is. The result is taken as this worker's node serves it, within a verifier's caps."""
        manifest = self._files.manifest(job)
        bench = Bench(claim, manifest, self._files.scene(manifest), claim.folder(self._home))
        self._keep_serving(bench, job)
        delivered = bench.folder / "delivered"
        try:
            self._fetch_own(bench, delivered)
            if appeal.question is Question.LISTED_TILE:
                return self._wrong_tile(bench, delivered, task, appeal.tile)
            if appeal.question is Question.PICTURE and appeal.position < len(bench.spec.frames):
                frame = bench.spec.frames[appeal.position]
                self._workshop.check_frame(bench, delivered, frame)
        except EvidenceError as error:
            return f"its own result is not as it should be: {error.message} ({error.code})"
        finally:
            shutil.rmtree(delivered, ignore_errors=True)
        return None

    def _wrong_tile(self, bench: Bench, delivered: Path, task: Task, index: int) -> str | None:
        assert task.audit_seed is not None
        samples = sample_tiles(task.audit_seed, bench.manifest, task.task)
        if index >= len(samples):
            return None  # a tile that is not on the list is none of this result's
        sample = samples[index]
        if self._workshop.first_difference(bench, delivered, [(sample.frame, sample.tile)]) is None:
            return None
        return f"tile {sample.tile} of frame {sample.frame} comes out differently here too"

    def _keep_serving(self, bench: Bench, job: Job) -> None:
        """Pins again what the outcome rests on and is pinned no more."""
        claim = bench.claim
        assert claim.result is not None
        kept = self._store.pins()
        for cid in (claim.result, bench.manifest.scene, job.manifest):
            if cid in kept:
                continue
            log.warning("pinned again job=%d task=%d cid=%s", claim.job_id, claim.task, cid)
            if cid == claim.result and self._workshop.is_done(bench):
                self._store.add_directory(bench.result)
            else:
                self._store.pin(cid, timeout=self._settings.fetch_seconds)

    def _fetch_own(self, bench: Bench, into: Path) -> None:
        assert bench.claim.result is not None
        shutil.rmtree(into, ignore_errors=True)
        with disk_full_named(bench.folder):
            bench.folder.mkdir(parents=True, exist_ok=True)
        self._store.fetch(
            bench.claim.result,
            into,
            max_bytes=max_result_bytes(bench.manifest.settings, bench.spec),
            timeout=self._settings.fetch_seconds,
        )

    def _raise(self, claim: Claim, job: Job, task: Task, appeal: Appeal) -> None:
        bond = job.terms.appeal_bond
        withdrawable = self._ledger.balances(self._account).withdrawable
        if withdrawable < bond:
            if self._first(f"bond {claim.key}"):
                log.error(
                    "not appealed yet job=%d task=%d: the appeal bond of %s is more than the %s that are "
                    "withdrawable; `tileproof account bond %s` before block %d (%s)",
                    claim.job_id,
                    claim.task,
                    bond,
                    withdrawable,
                    (bond - withdrawable).strk(),
                    task.window_ends_block,
                    from_now(task.window_ends_block, self._ledger.head().block, self._settings.block_seconds),
                )
            return
        try:
            receipt = self._ledger.appeal(claim.job_id, [appeal])
        except LedgerRejected as error:
            self._put_aside.add(claim.key)  # the window is over, or the appeal is there already
            log.warning("appeal job=%d task=%d: %s", claim.job_id, claim.task, error.reason)
            return
        log.info(
            "appealed job=%d task=%d question=%s position=%d tile=%d bond=%s tx=%#x",
            claim.job_id,
            claim.task,
            appeal.question.value,
            appeal.position,
            appeal.tile,
            bond.strk(),
            receipt.tx_hash,
        )
        self._claims.move(claim, claim.stage, plea=Plea.RAISED)

    def _say_not(self, claim: Claim, why: str) -> None:
        log.error("not appealed job=%d task=%d: %s", claim.job_id, claim.task, why)

    def _first(self, what: str) -> bool:
        new = what not in self._told
        self._told.add(what)
        return new
