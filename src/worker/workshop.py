"""From a claim to a finished result: rendered frame by frame, checked and laid out as a
result. Files and Blender only; the ledger and the journal's claims belong to the loop."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ..domain import result as results
from ..domain.errors import EvidenceError, MachineError, disk_full_named
from ..domain.hops import Hop
from ..domain.manifest import Manifest, TaskSpec
from ..domain.result import (
    RESULT_FILE,
    ResultFile,
    ResultManifest,
    files_of,
    frame_file,
    has_picture,
    max_result_bytes,
    passes_file,
    rendering_bytes,
)
from ..domain.tiles import Tile
from ..ports.clock import Clock
from ..ports.images import ImageDecoder, ImageFormat
from ..ports.journal import Journal
from ..ports.renderer import Limits, Rendered, Renderer, RenderReport, RenderSession
from . import selfcheck
from .claims import Claim
from .ending import Ending, Pace
from .settings import WorkerSettings

log = logging.getLogger("tileproof.worker")

_FRAMES = "frame"
_LOG_EVERY_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Bench:
    """Everything one claim's rendering needs to know."""

    claim: Claim
    manifest: Manifest
    scene: Path  # the directory, checked
    folder: Path  # the claim's own

    @property
    def spec(self) -> TaskSpec:
        return self.manifest.tasks[self.claim.task]

    @property
    def result(self) -> Path:
        return self.folder / "result"

    @property
    def frames(self) -> Path:
        return self.folder / "frames"


class Workshop:
    """Renders claims. What an earlier process finished is used again when its bytes are the
    ones that process wrote down."""

    def __init__(
        self,
        renderer: Renderer,
        decoder: ImageDecoder,
        journal: Journal,
        clock: Clock,
        settings: WorkerSettings,
    ) -> None:
        self._renderer, self._decoder, self._journal = renderer, decoder, journal
        self._clock, self._settings = clock, settings
        self._ending = Ending(clock, settings.finish_seconds)

    def machine(self) -> RenderReport:
        return self._renderer.report()

    @contextmanager
    def opened(self, manifest: Manifest, task: int, scene: Path, scratch: Path) -> Iterator[RenderSession]:
        """The scene in a Blender of its own that writes to ``scratch``, emptied first.

        Raises as ``Renderer.open``; MachineError ``machine.disk_full``.
        """
        shutil.rmtree(scratch, ignore_errors=True)
        with disk_full_named(scratch):
            scratch.mkdir(parents=True)
        # The job may be of another class that this machine may serve (domain/device.py).
        settings = replace(manifest.settings, device_class=self.machine().device_class)
        blend = scene / manifest.blend
        with self._renderer.open(blend, settings, scratch, self._limits(manifest, task)) as session:
            yield session

    def render(
        self, bench: Bench, session: RenderSession, between: Callable[[], None]
    ) -> tuple[ResultFile, ...]:
        """Every frame of the claim's task, in its folder; ``between`` is called before each.

        Raises:
            MachineError: as ``RenderSession.render``; ``machine.disk_full``.
            Stopped: asked to stop, with too much left to do.
        """
        with disk_full_named(bench.folder):
            bench.frames.mkdir(parents=True, exist_ok=True)
            done = {frame: files for frame in bench.spec.frames if (files := self._kept(bench, frame))}
            pace = Pace(self._clock, len(bench.spec.frames) - len(done))
            for frame in bench.spec.frames:
                if frame not in done:
                    self._ending.check(pace.left())
                    between()
                    done[frame] = self._frame(bench, session, frame, pace)
                    pace.next()
        return tuple(file for frame in bench.spec.frames for file in done[frame])

    def finish(self, bench: Bench, files: tuple[ResultFile, ...]) -> Path:
        """The result directory: its frames checked against fresh renders of a few tiles, listed,
        and there as a whole or not at all.

        Raises MachineError ``worker.not_deterministic`` when this machine does not render the
        same picture twice; else as ``render``.
        """
        self._check_own_work(bench)
        with disk_full_named(bench.folder):
            return self._lay_out(bench, files)

    def first_difference(
        self, bench: Bench, pictures: Path, pairs: Sequence[tuple[int, Tile]]
    ) -> tuple[int, Tile] | None:
        """As ``selfcheck.first_difference``, in a process of its own."""
        if not pairs:
            return None
        scratch = bench.folder / "check"
        with self.opened(bench.manifest, bench.claim.task, bench.scene, scratch) as session:
            differs = selfcheck.first_difference(
                self._decoder,
                session,
                bench.manifest.settings,
                bench.spec,
                pictures,
                pairs,
                lambda: self._ending.check(0.0),
            )
        shutil.rmtree(scratch, ignore_errors=True)
        return differs

    def check_frame(self, bench: Bench, folder: Path, frame: int) -> None:
        """As ``selfcheck.check_frame``."""
        selfcheck.check_frame(self._decoder, bench.manifest.settings, bench.spec, folder, frame)

    def is_done(self, bench: Bench) -> bool:
        """Whether an earlier process finished the result, and every byte of it is still as that
        process wrote it down."""
        try:
            told = results.decode((bench.result / RESULT_FILE).read_bytes())
            claim, settings = bench.claim, bench.manifest.settings
            results.check_account(told, claim.job_id, claim.task, claim.attempt, settings, bench.spec)
        except (OSError, EvidenceError):
            return False
        kept = [self._kept(bench, frame, bench.result) for frame in bench.spec.frames]
        return tuple(file for files in kept for file in files) == told.files

    def forget(self, bench_folder: Path, claim: Claim) -> None:
        """Removes a claim's files and what was written down about its frames."""
        shutil.rmtree(bench_folder, ignore_errors=True)
        for key in self._journal.all(_FRAMES):
            if key.startswith(f"{claim.key}/"):
                self._journal.remove(_FRAMES, key)

    def _kept(self, bench: Bench, frame: int, folder: Path | None = None) -> tuple[ResultFile, ...]:
        """The frame's files as an earlier process left them; none when one is not there, or changed."""
        files = []
        for name in files_of(bench.manifest.settings, bench.spec, frame):
            path = (folder or bench.frames) / name
            record = self._journal.get(_FRAMES, f"{bench.claim.key}/{name}")
            if record is None or not path.is_file() or _sha256(path) != record["sha256"]:
                return ()
            files.append(_result_file(path, frame, float(str(record["seconds"]))))
        return tuple(files)

    def _frame(self, bench: Bench, session: RenderSession, frame: int, pace: Pace) -> tuple[ResultFile, ...]:
        settings = bench.manifest.settings
        rendered = session.render(frame, bench.spec.region, progress=self._progress(bench, pace))
        seconds = rendered.seconds
        if not settings.has_passes:
            files = [self._keep(bench, rendered, rendered.path)]
        else:
            packed = session.out / passes_file(frame)
            passes = self._decoder.decode(rendered.path, ImageFormat.passes(settings, bench.spec.region))
            rendered.path.unlink()
            self._decoder.encode_exr(passes, packed)
            files = []
            if has_picture(settings, bench.spec):
                finished = session.finish(frame, packed)
                seconds += finished.seconds
                files.append(self._keep(bench, finished, finished.path))
            files.insert(0, self._keep(bench, rendered, packed))
        log.info(
            "hop=%d rendered job=%d task=%d frame=%d seconds=%.2f",
            Hop.RENDERED,
            bench.claim.job_id,
            bench.claim.task,
            frame,
            seconds,
        )
        return tuple(files)

    def _keep(self, bench: Bench, made: Rendered, path: Path) -> ResultFile:
        """Moves a file to the claim's frames and writes down what it is."""
        name = frame_file if path.suffix == ".png" else passes_file
        kept = bench.frames / name(made.frame)
        os.replace(path, kept)
        file = _result_file(kept, made.frame, round(made.seconds, 3))
        record = {"sha256": file.sha256, "seconds": file.seconds}
        self._journal.put(_FRAMES, f"{bench.claim.key}/{file.name}", record)
        return file

    def _progress(self, bench: Bench, pace: Pace) -> Callable[[int, float], None]:
        """Logs now and then, and gives up when asked to stop with much left to do."""
        told = self._clock.monotonic()

        def progress(frame: int, share: float) -> None:
            nonlocal told
            left = pace.left(share)
            self._ending.check(left)
            if self._clock.monotonic() - told >= _LOG_EVERY_SECONDS:
                told = self._clock.monotonic()
                log.info(
                    "rendering job=%d task=%d frame=%d share=%.0f%% left=%.0fs",
                    bench.claim.job_id,
                    bench.claim.task,
                    frame,
                    share * 100,
                    left,
                )

        return progress

    def _check_own_work(self, bench: Bench) -> None:
        """Renders a few tiles again in a fresh process: what differs from itself would be
        rejected or, worse, judged by luck."""
        settings = self._settings
        tile_px = max(settings.check_tile_px, bench.manifest.settings.least_tile_px)
        pairs = selfcheck.check_tiles(bench.claim.key, bench.spec, tile_px, settings.check_tiles)
        differs = self.first_difference(bench, bench.frames, pairs)
        if differs is None:
            return
        frame, tile = differs
        raise MachineError(
            "worker.not_deterministic",
            f"job {bench.claim.job_id}, task {bench.claim.task}: tile {tile} of frame {frame} "
            "came out differently the second time",
            remedy="nothing was submitted; if other jobs do the same, test this machine's memory",
        )

    def _lay_out(self, bench: Bench, files: tuple[ResultFile, ...]) -> Path:
        machine = self.machine()
        new = bench.folder / "result.new"
        for stale in (new, bench.result):
            shutil.rmtree(stale, ignore_errors=True)
        new.mkdir()
        for file in files:
            os.link(bench.frames / file.name, new / file.name)
        manifest = ResultManifest(
            version=results.VERSION,
            job_id=bench.claim.job_id,
            task=bench.claim.task,
            attempt=bench.claim.attempt,
            blender_build=machine.blender_build,
            device_class=machine.device_class,
            device=machine.device,
            sandbox=machine.sandbox,
            files=files,
        )
        (new / RESULT_FILE).write_bytes(results.encode(manifest))
        new.rename(bench.result)
        return bench.result

    def _limits(self, manifest: Manifest, task: int) -> Limits:
        settings = manifest.settings
        output = 2 * max_result_bytes(settings, manifest.tasks[task]) + rendering_bytes(settings) + (64 << 20)
        return Limits(
            wall_seconds=self._settings.session_seconds,
            memory_bytes=self._settings.memory_bytes,
            output_bytes=output,
            threads=self._settings.threads,
        )


def _result_file(path: Path, frame: int, seconds: float) -> ResultFile:
    return ResultFile(path.name, path.stat().st_size, _sha256(path), frame, seconds)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
