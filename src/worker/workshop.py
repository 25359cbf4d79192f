"""From a claim to a finished result: rendered frame by frame, checked and laid out as a
result. Files and Blender only; the ledger and the journal's claims belong to the loop."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..domain import result as results
from ..domain.errors import EvidenceError, MachineError, disk_full_named
from ..domain.hops import Hop
from ..domain.manifest import Manifest, RenderSettings, TaskSpec
from ..domain.result import (
    RESULT_FILE,
    ResultFile,
    ResultManifest,
    frame_file,
    max_frame_bytes,
    max_result_bytes,
)
from ..domain.tiles import Tile, sample_grid
from ..ports.clock import Clock
from ..ports.images import ImageDecoder, ImageFormat, Pixels
from ..ports.journal import Journal
from ..ports.renderer import Limits, Renderer, RenderReport, RenderSession
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
        with self._renderer.open(
            scene / manifest.blend, manifest.settings, scratch, self._limits(manifest, task)
        ) as session:
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
            done = {frame: file for frame in bench.spec.frames if (file := self._kept(bench, frame))}
            pace = Pace(self._clock, len(bench.spec.frames) - len(done))
            for frame in bench.spec.frames:
                if frame not in done:
                    self._ending.check(pace.left())
                    between()
                    done[frame] = self._frame(bench, session, frame, pace)
                    pace.next()
        return tuple(done[frame] for frame in bench.spec.frames)

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
        """The first of these (frame, tile) pairs that a fresh process does not render as the
        folder ``pictures`` shows it; None when all are equal to the last bit.

        Raises MachineError as ``RenderSession.render``; EvidenceError as ``check_picture``.
        """
        if not pairs:
            return None
        settings, region = bench.manifest.settings, bench.spec.region
        scratch = bench.folder / "check"
        with self.opened(bench.manifest, bench.claim.task, bench.scene, scratch) as session:
            wholes: dict[int, Pixels] = {}
            for frame, tile in pairs:
                self._ending.check(0.0)
                if frame not in wholes:
                    wholes[frame] = self._pixels(pictures / frame_file(frame), region, settings)
                again = self._pixels(session.render(frame, tile).path, tile, settings)
                inner = tile.relative_to(region)
                if not np.array_equal(wholes[frame][inner.y0 : inner.y1, inner.x0 : inner.x1], again):
                    return frame, tile
        shutil.rmtree(scratch, ignore_errors=True)
        return None

    def check_picture(self, bench: Bench, picture: Path) -> None:
        """Says nothing when the file is a picture of the task as the manifest wants it.

        Raises EvidenceError ``image.missing``, ``image.undecodable``, ``image.wrong_format``.
        """
        if picture.is_file() and picture.stat().st_size > max_frame_bytes(
            bench.manifest.settings, bench.spec
        ):
            raise EvidenceError(
                "image.wrong_format", f"{picture.name} is larger than its pixels", path=picture
            )
        self._pixels(picture, bench.spec.region, bench.manifest.settings)

    def is_done(self, bench: Bench) -> bool:
        """Whether an earlier process finished the result, and every byte of it is still as that
        process wrote it down."""
        try:
            told = results.decode((bench.result / RESULT_FILE).read_bytes())
            claim, settings = bench.claim, bench.manifest.settings
            results.check_account(told, claim.job_id, claim.task, claim.attempt, settings, bench.spec)
        except (OSError, EvidenceError):
            return False
        kept = tuple(self._kept(bench, frame, bench.result) for frame in bench.spec.frames)
        return kept == told.files

    def forget(self, bench_folder: Path, claim: Claim) -> None:
        """Removes a claim's files and what was written down about its frames."""
        shutil.rmtree(bench_folder, ignore_errors=True)
        for key in self._journal.all(_FRAMES):
            if key.startswith(f"{claim.key}/"):
                self._journal.remove(_FRAMES, key)

    def _kept(self, bench: Bench, frame: int, folder: Path | None = None) -> ResultFile | None:
        """The frame as an earlier process left it; None when it is not there, or changed."""
        path = (folder or bench.frames) / frame_file(frame)
        record = self._journal.get(_FRAMES, f"{bench.claim.key}/{frame}")
        if record is None or not path.is_file() or _sha256(path) != record["sha256"]:
            return None
        return _result_file(path, frame, float(str(record["seconds"])))

    def _frame(self, bench: Bench, session: RenderSession, frame: int, pace: Pace) -> ResultFile:
        rendered = session.render(frame, bench.spec.region, progress=self._progress(bench, pace))
        path = bench.frames / frame_file(frame)
        os.replace(rendered.path, path)
        file = _result_file(path, frame, round(rendered.seconds, 3))
        record = {"sha256": file.sha256, "seconds": file.seconds}
        self._journal.put(_FRAMES, f"{bench.claim.key}/{frame}", record)
        log.info(
            "hop=%d rendered job=%d task=%d frame=%d seconds=%.2f",
            Hop.RENDERED,
            bench.claim.job_id,
            bench.claim.task,
            frame,
            file.seconds,
        )
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
        differs = self.first_difference(bench, bench.frames, check_tiles(bench, self._settings))
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

    def _pixels(self, path: Path, tile: Tile, settings: RenderSettings) -> Pixels:
        return self._decoder.decode(path, ImageFormat.of(settings, tile))

    def _limits(self, manifest: Manifest, task: int) -> Limits:
        output = 2 * max_result_bytes(manifest.settings, manifest.tasks[task]) + (64 << 20)
        return Limits(
            wall_seconds=self._settings.session_seconds,
            memory_bytes=self._settings.memory_bytes,
            output_bytes=output,
            threads=self._settings.threads,
        )


def check_tiles(bench: Bench, settings: WorkerSettings) -> list[tuple[int, Tile]]:
    """The (frame, tile) pairs a worker checks of its own work: spread over the task by a hash,
    the same on every start."""
    grid = sample_grid(bench.spec.region, settings.check_tile_px)
    pairs = []
    for number in range(min(settings.check_tiles, len(grid) * len(bench.spec.frames))):
        digest = hashlib.sha256(f"{bench.claim.key}/{number}".encode()).digest()
        pick = int.from_bytes(digest[:8], "big")
        frame = bench.spec.frames[pick % len(bench.spec.frames)]
        pairs.append((frame, grid.tile(pick // 2**20 % len(grid))))
    return pairs


def _result_file(path: Path, frame: int, seconds: float) -> ResultFile:
    return ResultFile(path.name, path.stat().st_size, _sha256(path), frame, seconds)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
