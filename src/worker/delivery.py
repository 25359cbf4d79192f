"""From a claim to its submission, or back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..domain.cid import Cid
from ..domain.errors import EvidenceError, LedgerRejected, MachineError
from ..domain.hops import Hop
from ..domain.job import Job, Task, TaskResult
from ..domain.manifest import Manifest
from ..ports.content import ContentStore
from ..ports.ledger import Ledger
from ..ports.renderer import RenderSession
from . import policy
from .claims import Claim, Claims, Stage
from .job_files import JobFiles
from .market import Market
from .settings import WorkerSettings
from .workshop import Bench, Workshop

log = logging.getLogger("tileproof.worker")


class Delivery:
    """Renders a claim, pins its result, submits; or gives the claim back. Each step towards the
    ledger is in the journal before it is taken."""

    def __init__(
        self,
        ledger: Ledger,
        store: ContentStore,
        claims: Claims,
        workshop: Workshop,
        files: JobFiles,
        market: Market,
        settings: WorkerSettings,
        home: Path,
        between_frames: Callable[[], None],
    ) -> None:
        self._ledger, self._store, self._claims = ledger, store, claims
        self._workshop, self._files, self._market = workshop, files, market
        self._settings, self._home = settings, home
        self._between_frames = between_frames

    def begin(
        self,
        claim: Claim,
        job: Job,
        manifest: Manifest,
        session: RenderSession,
        close_session: Callable[[], None],
    ) -> None:
        """Makes a new claim good, with the session in which the scene was opened; it is closed
        before another begins."""
        with self._failing_gives_back(claim, job):
            bench = self._bench(claim, manifest)
            files = self._workshop.render(bench, session, self._between_frames)
            close_session()
            self._deliver(claim, bench, self._workshop.finish(bench, files))

    def go_on(self, claim: Claim, job: Job, task: Task) -> bool:
        """Goes on with a claim that an earlier process made, or that a service kept from being
        submitted; False when there is nothing to do but to wait."""
        with self._failing_gives_back(claim, job):
            if self._ledger.head().timestamp >= task.lease_until:
                return False  # lapsed meanwhile; the next look closes it
            bench = self._bench(claim, self._files.manifest(job))
            if not self._workshop.is_done(bench):
                scratch = bench.folder / "render"
                with self._workshop.opened(bench.manifest, claim.task, bench.scene, scratch) as session:
                    files = self._workshop.render(bench, session, self._between_frames)
                self._workshop.finish(bench, files)
            return self._deliver(claim, bench, bench.result)
        return True

    def give_back(self, claim: Claim, job: Job) -> None:
        """The task is free for others at once, for a share of the bond."""
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
        self.finish(self._claims.get(claim.key) or claim)

    def finish(self, claim: Claim) -> None:
        """The claim's files go now; what it pinned goes once the outcome is deep."""
        result = claim.folder(self._home) / "result"
        if claim.result is None and result.is_dir():
            # A process killed between pinning and writing that down left a pin without a name.
            cid = self._store.add_directory(result)
            claim = self._claims.move(claim, claim.stage, result=cid, pins=(*claim.pins, cid))
        self._workshop.forget(claim.folder(self._home), claim)
        self._claims.move(claim, Stage.FINAL, final_block=self._ledger.head().block)

    def log_submitted(self, claim: Claim, how: str, *values: object) -> None:
        """Logs hop 8; ``how`` is a template for ``values`` at the end of its line."""
        log.info(
            f"hop=%d submitted job=%d task=%d cid=%s {how}",
            Hop.SUBMITTED,
            claim.job_id,
            claim.task,
            claim.result,
            *values,
        )

    def _bench(self, claim: Claim, manifest: Manifest) -> Bench:
        scene = self._files.scene(manifest)
        size = sum(file.size for file in manifest.files)
        log.info(
            "hop=%d fetched job=%d task=%d cid=%s bytes=%d",
            Hop.FETCHED,
            claim.job_id,
            claim.task,
            manifest.scene,
            size,
        )
        return Bench(claim, manifest, scene, claim.folder(self._home))

    def _deliver(self, claim: Claim, bench: Bench, result: Path) -> bool:
        """Pins the result, and the scene and manifest beside it, then submits; False when the
        ledger refused."""
        job = self._ledger.job(claim.job_id)
        beside = (bench.manifest.scene, job.manifest)
        pins = tuple(dict.fromkeys((*claim.pins, *self._ours(claim, beside))))
        claim = self._claims.move(claim, claim.stage, pins=pins)
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
        self.log_submitted(claim, "tx=%#x", receipt.tx_hash)
        self._claims.move(claim, Stage.SUBMITTED)
        return True

    def _ours(self, claim: Claim, cids: tuple[Cid, ...]) -> tuple[Cid, ...]:
        """Which of these are ours to unpin one day: not what this node keeps for somebody else."""
        kept = self._store.pins()
        ours = {cid for other in self._claims.every() if other.key != claim.key for cid in other.pins}
        return tuple(cid for cid in cids if cid not in kept or cid in ours)

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
            self.give_back(claim, job)
