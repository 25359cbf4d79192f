"""A still that several workers rendered: their passes joined, and finished once.

No part of a frame can be denoised or composited alone without a seam, so such tasks deliver passes,
and the requester's own Blender makes the picture of them: the same bytes as if one worker had
rendered it all.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from ..domain.errors import disk_full_named
from ..domain.manifest import Manifest, TaskSpec
from ..domain.result import max_frame_bytes, rendering_bytes
from ..intake.fetching import Fetcher, SceneCache
from ..ports.clock import Clock
from ..ports.content import ContentStore
from ..ports.images import ImageDecoder, Pixels
from ..ports.renderer import Limits, Renderer, RenderSession

FINISH_SECONDS = 3_600.0
POLL_SECONDS = 2.0


class Finisher:
    """Finishes frames of one job; Blender starts, and the scene is fetched, with the first of them.
    Closed by leaving its context."""

    def __init__(
        self,
        manifest: Manifest,
        *,
        store: ContentStore,
        clock: Clock,
        decoder: ImageDecoder,
        renderer: Callable[[], Renderer],
        cache: Path,
        timeout: float,
        threads: int,
        memory_bytes: int,
    ) -> None:
        self._manifest, self._decoder, self._renderer = manifest, decoder, renderer
        self._scenes = SceneCache(cache / "scene", max_bytes=0)
        self._store, self._clock, self._timeout = store, clock, timeout
        self._out = cache / "finishing"
        self._threads, self._memory_bytes = threads, memory_bytes
        self._open = ExitStack()
        self._session: RenderSession | None = None

    def __enter__(self) -> Finisher:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def finish(self, frame: int, passes: Pixels, made: Path) -> None:
        """Writes the picture of a whole frame's joined passes to ``made``.

        Raises as ``Renderer.open`` and ``RenderSession.finish``; EvidenceError
        ``scene.not_as_promised``; ServiceError ``content.not_found``.
        """
        session = self._session = self._session or self._opened()
        joined = session.out / f"joined-{frame}.exr"
        self._decoder.encode_exr(passes, joined)
        try:
            shutil.move(session.finish(frame, joined).path, made)
        finally:
            joined.unlink(missing_ok=True)

    def _opened(self) -> RenderSession:
        manifest = self._manifest
        until = self._clock.monotonic() + self._timeout
        scene = self._scenes.get(manifest, Fetcher(self._store, self._clock, POLL_SECONDS, until))
        shutil.rmtree(self._out, ignore_errors=True)
        with disk_full_named(self._out):
            self._out.mkdir(parents=True)
        renderer = self._renderer()
        # Finishing is the device class's own, as rendering is; a requester's machine may be another,
        # and then finishes as nearly as that class does.
        settings = replace(manifest.settings, device_class=renderer.report().device_class)
        whole = max_frame_bytes(settings, TaskSpec((0,), settings.full_frame))
        frames = len({frame for task in manifest.tasks for frame in task.frames})
        limits = Limits(
            wall_seconds=FINISH_SECONDS * frames,
            memory_bytes=self._memory_bytes,
            output_bytes=3 * whole + rendering_bytes(settings) + (64 << 20),
            threads=self._threads,
        )
        return self._open.enter_context(renderer.open(scene / manifest.blend, settings, self._out, limits))
