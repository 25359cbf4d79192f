"""One audit: fetch, look at every picture, re-render the sample tiles, judge, report.

Used by the loop and by ``tileproof verifier audit``. It reads no ledger and sends nothing.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from ..audit.page import FrameOverview, overview, to_html
from ..audit.plan import plan_audit
from ..audit.report import AuditReport, Machine, Timings, Work, to_json
from ..audit.screen import FrameFacts, facts_of, repeated_frames, screen
from ..domain import manifest as manifests
from ..domain.device import why_not_served
from ..domain.errors import EvidenceError, MachineError, ServiceError, TileproofError
from ..domain.job import Ground, Question, Verdict
from ..domain.manifest import Manifest, RenderSettings
from ..domain.result import max_frame_bytes, max_result_bytes, rendering_bytes
from ..domain.sampling import audit_scope
from ..domain.verdict import (
    Confirmation,
    FileFault,
    Judgement,
    Standing,
    inconclusive,
    judge_files,
    judge_tiles,
    nothing_wrong,
    unavailable,
)
from ..intake.fetching import Fetcher, SceneCache, Stopped
from ..ports.clock import Clock
from ..ports.content import ContentSource
from ..ports.images import ImageDecoder
from ..ports.renderer import Limits, Renderer, RenderSession
from . import preview
from .again import Again
from .pictures import read_frame
from .settings import VerifierSettings
from .subject import Subject

Progress = Callable[[str, int, int], None]
"""Called with (step, done, in all); steps are ``fetch``, ``screen``, ``render``, ``finish``, ``confirm`` and
``preview``."""

log = logging.getLogger("tileproof.verifier")

_T = TypeVar("_T")
MAX_FAULTS = 8
MAX_OVERVIEWS = 8


def audit_submission(
    *,
    subject: Subject,
    store: ContentSource,
    renderer: Renderer,
    decoder: ImageDecoder,
    clock: Clock,
    settings: VerifierSettings,
    home: Path,
    evidence: Path,
    deadline: float | None = None,
    progress: Progress | None = None,
) -> AuditReport:
    """Judges one submission and writes ``report.json`` and ``report.html`` into ``evidence``.

    In the round of an appeal it judges what the appeal asks about and nothing else; what does
    not exist has nothing wrong.

    The verdict is the same for every honest verifier of the same device class. Whatever
    goes wrong on this machine, and running past ``deadline`` (by ``clock.monotonic``), is
    inconclusive and says why; bytes that nobody serves in time are unavailable. Scenes are
    kept below ``home`` for the next audit; everything else made there is removed.

    Raises:
        Stopped: the process was asked to stop.
        MachineError: the report itself cannot be written.
    """
    (home / "work").mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="audit-", dir=home / "work"))
    try:
        audit = _Audit(subject, store, renderer, decoder, clock, settings, home, scratch, deadline, progress)
        report = audit.run()
        _write(audit, report, evidence, settings)
        return report
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


class _Decided(Exception):
    """The verdict is known before all steps are done."""

    def __init__(self, judgement: Judgement) -> None:
        super().__init__(judgement.reason)
        self.judgement = judgement


class _Audit:
    """The state of one audit; its steps are called once, in the order of ``_steps``."""

    def __init__(
        self,
        subject: Subject,
        store: ContentSource,
        renderer: Renderer,
        decoder: ImageDecoder,
        clock: Clock,
        settings: VerifierSettings,
        home: Path,
        scratch: Path,
        deadline: float | None,
        progress: Progress | None,
    ) -> None:
        self._subject, self._renderer, self._decoder = subject, renderer, decoder
        self._clock, self._settings, self._scratch = clock, settings, scratch
        self._deadline = deadline
        self._progress: Progress = progress or (lambda step, done, total: None)
        now = clock.monotonic()
        allowed = settings.fetch_seconds if deadline is None else (deadline - now) * settings.fetch_share
        self._fetcher = Fetcher(store, clock, settings.poll_seconds, now + allowed)
        self._scenes = SceneCache(home / "scenes", settings.scene_cache_bytes)
        self._seconds: dict[str, float] = dict.fromkeys(Timings.__slots__, 0.0)
        self._work: Work | None = None
        self._positions: tuple[int, ...] = ()
        self._machine: Machine | None = None
        self._facts: list[FrameFacts] = []
        self._faults: list[FileFault] = []
        self._previews: list[FrameFacts] = []
        self._confirmation: Confirmation | None = None
        self._result = scratch / "result"
        self.again: Again | None = None
        self.overviews: list[FrameOverview] = []

    def run(self) -> AuditReport:
        try:
            judgement = self._steps()
        except _Decided as decided:
            judgement = decided.judgement
        except (MachineError, ServiceError) as error:
            judgement = inconclusive(f"this verifier could not finish the audit ({error.code})")
        except EvidenceError as error:
            judgement = inconclusive(f"the job itself cannot be judged ({error.code})")
        return AuditReport(
            of=self._subject.of,
            manifest=self._subject.manifest,
            result=self._subject.result,
            seed=self._subject.seed,
            appeal=self._subject.appeal,
            work=self._work,
            machine=self._machine,
            tiles=() if self.again is None else self.again.records(),
            finishes=() if self.again is None else self.again.finishes(),
            confirmation=self._confirmation,
            faults=tuple(self._faults),
            findings=screen(self._facts, self._previews or None),
            previewed=len(self._previews),
            judgement=judgement,
            timings=Timings(**self._seconds),
            made_at=int(self._clock.now()),
        )

    def _steps(self) -> Judgement:
        manifest = self._read_manifest()
        self._work = work = self._understand(manifest)
        if not self._positions:
            return nothing_wrong("the task has no such picture or tile as the appeal asks about")
        self.again = again = Again(self._decoder, work, self._result, self._told)
        self._fetch_result(work)
        self._look_at_pictures(work, again)
        faulty = judge_files(self._faults)
        if faulty is not None:
            return faulty
        if not work.samples:
            return nothing_wrong(
                f"the picture at position {self._positions[0]} of the task's frames is there, of the "
                "agreed size and format"
            )
        machine = self._renderer.report()
        unfit = why_not_served(machine.device_class, work.settings, work.policy, machine.engines)
        if unfit is not None:
            return inconclusive(unfit)
        with self._timed("fetch"):
            scene = self._or_unavailable("scene", lambda: self._scenes.get(manifest, self._fetcher))
        blend = scene / manifest.blend
        judgement = self._judge_samples(blend, work, again)
        if judgement.verdict is Verdict.ACCEPT and not self._asks_for_less:
            self._look_at_previews(blend, work)
        return judgement

    def _read_manifest(self) -> Manifest:
        with self._timed("fetch"):
            block = self._or_unavailable(
                "manifest", lambda: self._fetcher.block(self._subject.manifest, manifests.MAX_BYTES)
            )
        return manifests.decode(block)

    def _understand(self, manifest: Manifest) -> Work:
        task = self._subject.of.task
        if len(manifest.tasks) != self._subject.task_count or task >= len(manifest.tasks):
            raise _Decided(inconclusive("the manifest and the ledger disagree about the number of tasks"))
        if self._subject.lane not in (None, manifest.audit.settled_in):
            raise _Decided(inconclusive("the manifest and the ledger disagree about the lane"))
        scope = audit_scope(self._subject.seed.seed, manifest, task, self._subject.appeal)
        if scope.tiles and sum(file.size for file in manifest.files) > self._settings.max_scene_bytes:
            raise _Decided(inconclusive("the scene is larger than this verifier takes"))
        self._positions = scope.positions
        return Work(
            name=manifest.name,
            policy=manifest.audit,
            settings=manifest.settings,
            spec=manifest.tasks[task],
            plan=None if self._asks_for_less else plan_audit(manifest, task, self._subject.audit_rate_bps),
            samples=scope.tiles,
        )

    @property
    def _asks_for_less(self) -> bool:
        """Whether this is about one tile or one picture, where nothing is sampled."""
        appeal = self._subject.appeal
        return appeal is not None and appeal.question is not Question.WHOLE

    def _fetch_result(self, work: Work) -> None:
        into = self._result
        cap = max_result_bytes(work.settings, work.spec)
        try:
            with self._timed("fetch"):
                self._or_unavailable("result", lambda: self._fetcher.tree(self._subject.result, into, cap))
        except EvidenceError:
            # Too large or with names that no honest result has: the same for every verifier.
            self._faults.append(FileFault(self._positions[0], Ground.WRONG_FORMAT))
        self._progress("fetch", 1, 1)

    def _look_at_pictures(self, work: Work, again: Again) -> None:
        """Decodes each file in question once; keeps the sample tiles' pixels and each frame's facts."""
        sampled = {sample.frame for sample in work.samples}
        with self._timed("screen"):
            for done, position in enumerate(self._positions, start=1):
                if len(self._faults) >= MAX_FAULTS or any(f.position == position for f in self._faults):
                    break
                self._check_time()
                frame = work.spec.frames[position]
                pixels = read_frame(self._decoder, self._result, work, position)
                self._progress("screen", done, len(self._positions))
                if isinstance(pixels, Ground):
                    self._faults.append(FileFault(position, pixels))
                    continue
                self._facts.append(facts_of(frame, pixels.seen))
                again.keep_submitted(frame, pixels.audited)
                if frame in sampled and len(self.overviews) < MAX_OVERVIEWS:
                    self.overviews.append(overview(frame, pixels.seen))

    def _judge_samples(self, blend: Path, work: Work, again: Again) -> Judgement:
        def opened(name: str, pictures: int) -> AbstractContextManager[RenderSession]:
            return self._session(blend, work.settings, work, name, pictures)

        with opened("samples", len(work.samples)) as session:
            report = session.report()
            self._machine = Machine(report.blender_build, report.device_class, report.device, report.sandbox)
            with self._timed("render"):
                again.render(session)
            # Tiles that differ decide already; and no finish of false passes may take that back.
            if Standing.DIFFERENT not in again.standings():
                with self._timed("finish"):
                    again.finish(session, self._settings.pictures_different)
        with self._timed("confirm"):
            self._confirmation = again.confirm(opened)
        return judge_tiles(again.standings(), self._confirmation)

    def _look_at_previews(self, blend: Path, work: Work) -> None:
        """Adds hints; the verdict stands already, so nothing that fails here can change it."""
        seconds = self._settings.preview_seconds
        if self._deadline is not None:
            seconds = min(seconds, (self._deadline - self._clock.monotonic()) * preview.SHARE_OF_TIME_LEFT)
        if seconds <= 0 or not preview.can_be_previewed(work.spec.region):
            return
        until = self._clock.monotonic() + seconds
        small = preview.preview_settings(work.settings, work.spec)
        order = preview.in_order(work.spec.frames, repeated_frames(self._facts))
        try:
            with self._timed("screen"), self._session(blend, small, work, "previews", len(order)) as session:
                for frame in order:
                    self._check_time()
                    pixels = preview.render_preview(session, self._decoder, work, frame)
                    self._previews.append(facts_of(frame, pixels))
                    self._progress("preview", len(self._previews), len(order))
                    if self._clock.monotonic() >= until:
                        break
        except (TileproofError, Stopped, _Decided) as error:
            log.info("previews were left out: %s", error)

    @contextmanager
    def _session(
        self, blend: Path, settings: RenderSettings, work: Work, name: str, tiles: int
    ) -> Iterator[RenderSession]:
        out = self._scratch / name
        out.mkdir()
        previews = name == "previews"
        left = 2 * self._settings.preview_seconds if previews else self._settings.session_seconds
        if self._deadline is not None:
            left = min(left, self._deadline - self._clock.monotonic())
        largest = max_frame_bytes(work.settings, work.spec)
        limits = Limits(
            wall_seconds=max(1.0, left),
            memory_bytes=self._settings.memory_bytes,
            output_bytes=tiles * largest + rendering_bytes(settings) + (64 << 20),
            threads=self._settings.threads,
        )
        # Of another class than the job's where the job's lane allows it.
        settings = replace(settings, device_class=self._renderer.report().device_class)
        opening = self._clock.monotonic()
        with self._renderer.open(blend, settings, out, limits) as session:
            if name == "samples":
                self._seconds["load"] = self._clock.monotonic() - opening
            yield session

    def _or_unavailable(self, what: str, fetch: Callable[[], _T]) -> _T:
        try:
            return fetch()
        except ServiceError as error:
            if error.code != "content.not_found":
                raise
            raise _Decided(unavailable(f"nobody served the {what} in time")) from error

    def _told(self, step: str, done: int, total: int) -> None:
        self._check_time()
        self._progress(step, done, total)

    def _check_time(self) -> None:
        if self._clock.stopping:
            raise Stopped
        if self._deadline is not None and self._clock.monotonic() >= self._deadline:
            raise _Decided(inconclusive("this verifier ran out of time"))

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        start = self._clock.monotonic()
        try:
            yield
        finally:
            self._seconds[step] += self._clock.monotonic() - start


def _write(audit: _Audit, report: AuditReport, evidence: Path, settings: VerifierSettings) -> None:
    again = audit.again
    pictures = (
        again.pictures(settings.pictures_different, settings.pictures_equal) if again is not None else []
    )
    finishes = again.finish_pictures() if again is not None else ()
    try:
        evidence.mkdir(parents=True, exist_ok=True)
        (evidence / "report.json").write_bytes(to_json(report))
        (evidence / "report.html").write_text(
            to_html(report, pictures, audit.overviews, finishes), encoding="utf-8"
        )
    except OSError as error:
        raise MachineError(
            "machine.report_unwritable",
            "the audit's report cannot be written",
            remedy="free disk space, or choose another folder",
            path=str(evidence),
        ) from error
