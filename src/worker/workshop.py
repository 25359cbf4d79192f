"""What happens at the bench: one claim's scene is opened, rendered, checked and laid out as a
result. Files and Blender only; the ledger and the journal's claims belong to the loop."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..domain import result as results
from ..domain.errors import MachineError
from ..domain.hops import Hop
from ..domain.manifest import Manifest, RenderSettings, TaskSpec
from ..domain.result import RESULT_FILE, ResultFile, ResultManifest, frame_file, max_result_bytes
from ..domain.tiles import Tile, sample_grid
from ..intake.fetching import Stopped
from ..ports.clock import Clock
from ..ports.images import ImageDecoder, ImageFormat, Pixels
from ..ports.journal import Journal
from ..ports.renderer import Limits, Renderer, RenderReport, RenderSession
from .claims import Claim
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
    def is_done(self) -> bool:
        """Whether an earlier process finished the result."""
        return (self.result / RESULT_FILE).is_file()


class Workshop:
    """Renders claims. Frames that an earlier process finished are used again when their bytes
    are the ones it wrote down."""

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

    def machine(self) -> RenderReport:
        return self._renderer.report()

    @contextmanager
    def opened(self, manifest: Manifest, task: int, scene: Path, scratch: Path) -> Iterator[RenderSession]:
        """The scene in a Blender of its own, before anything is claimed.

        Raises as ``Renderer.open``.
        """
        scratch.mkdir(parents=True, exist_ok=True)
        with self._renderer.open(
            scene / manifest.blend, manifest.settings, scratch, self._limits(manifest, task)
        ) as session:
            yield session

    def render(self, bench: Bench, session: RenderSession) -> tuple[ResultFile, ...]:
        """Every frame of the claim's task, in its folder.

        Raises:
            MachineError: as ``RenderSession.render``.
            Stopped: asked to stop, with too much left to do.
        """
        self._frames(bench).mkdir(parents=True, exist_ok=True)
        return tuple(self._frame(bench, session, frame) for frame in bench.spec.frames)

    def finish(self, bench: Bench, files: tuple[ResultFile, ...]) -> Path:
        """The result directory: its frames checked against fresh renders of a few tiles, listed,
        and there as a whole or not at all.

        Raises MachineError ``worker.not_deterministic`` when this machine does not render the
        same picture twice; else as ``render``.
        """
        self._check_own_work(bench)
        return self._lay_out(bench, files)

    def forget(self, bench_folder: Path, claim: Claim) -> None:
        """Removes a claim's files and what was written down about its frames."""
        shutil.rmtree(bench_folder, ignore_errors=True)
        for key in self._journal.all(_FRAMES):
            if key.startswith(f"{claim.key}/"):
                self._journal.remove(_FRAMES, key)

    def _frame(self, bench: Bench, session: RenderSession, frame: int) -> ResultFile:
        path, key = self._frames(bench) / frame_file(frame), f"{bench.claim.key}/{frame}"
        done = self._journal.get(_FRAMES, key)
        if done is not None and path.is_file() and _sha256(path) == done["sha256"]:
            seconds = float(str(done["seconds"]))
        else:
            self._stop_if_asked()
            rendered = session.render(frame, bench.spec.region, progress=self._progress(bench))
            os.replace(rendered.path, path)
            seconds = round(rendered.seconds, 3)
            self._journal.put(_FRAMES, key, {"sha256": _sha256(path), "seconds": seconds})
            log.info(
                "hop=%d rendered job=%d task=%d frame=%d seconds=%.2f",
                Hop.RENDERED,
                bench.claim.job_id,
                bench.claim.task,
                frame,
                seconds,
            )
        return ResultFile(path.name, path.stat().st_size, _sha256(path), frame, seconds)

    def _progress(self, bench: Bench) -> Callable[[int, float], None]:
        """Logs now and then, and gives up when asked to stop with much left to do."""
        began = told = self._clock.monotonic()

        def progress(frame: int, share: float) -> None:
            nonlocal told
            now = self._clock.monotonic()
            left = (now - began) / share - (now - began) if share > 0 else float("inf")
            if self._clock.stopping and left > self._settings.finish_seconds:
                raise Stopped
            if now - told >= _LOG_EVERY_SECONDS:
                told = now
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
        settings, spec, frames = bench.manifest.settings, bench.spec, self._frames(bench)
        pairs = check_tiles(bench, self._settings)
        if not pairs:
            return
        scratch = bench.folder / "check"
        shutil.rmtree(scratch, ignore_errors=True)
        with self.opened(bench.manifest, bench.claim.task, bench.scene, scratch) as session:
            wholes: dict[int, Pixels] = {}
            for frame, tile in pairs:
                self._stop_if_asked()
                if frame not in wholes:
                    wholes[frame] = self._pixels(frames / frame_file(frame), spec.region, settings)
                whole = wholes[frame]
                again = self._pixels(session.render(frame, tile).path, tile, settings)
                inner = tile.relative_to(spec.region)
                if not np.array_equal(whole[inner.y0 : inner.y1, inner.x0 : inner.x1], again):
                    raise MachineError(
                        "worker.not_deterministic",
                        f"job {bench.claim.job_id}, task {bench.claim.task}: tile {tile} of frame {frame} "
                        "came out differently the second time",
                        remedy="nothing was submitted; if other jobs do the same, test this machine's memory",
                    )
        shutil.rmtree(scratch, ignore_errors=True)

    def _lay_out(self, bench: Bench, files: tuple[ResultFile, ...]) -> Path:
        machine = self.machine()
        new = bench.folder / "result.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
        for file in files:
            os.link(self._frames(bench) / file.name, new / file.name)
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

    def _frames(self, bench: Bench) -> Path:
        return bench.folder / "frames"

    def _pixels(self, path: Path, tile: Tile, settings: RenderSettings) -> Pixels:
        expected = ImageFormat(settings.container, tile.width, tile.height, settings.channels, settings.depth)
        return self._decoder.decode(path, expected)

    def _limits(self, manifest: Manifest, task: int) -> Limits:
        output = 2 * max_result_bytes(manifest.settings, manifest.tasks[task]) + (64 << 20)
        return Limits(
            wall_seconds=self._settings.session_seconds,
            memory_bytes=self._settings.memory_bytes,
            output_bytes=output,
            threads=self._settings.threads,
        )

    def _stop_if_asked(self) -> None:
        if self._clock.stopping:
            raise Stopped


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


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
