"""Honest: renders every picture in a process of its own, that has seen nothing before."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tileproof.domain.manifest import RenderSettings
from tileproof.domain.tiles import Tile
from tileproof.ports.renderer import FrameProgress, Limits, Rendered, Renderer, RenderReport, RenderSession

HONEST = True


class FreshRenderer:
    def __init__(self, inner: Renderer) -> None:
        self._inner = inner

    def report(self) -> RenderReport:
        return self._inner.report()

    @contextmanager
    def open(
        self, scene: Path, settings: RenderSettings, out: Path, limits: Limits
    ) -> Iterator[FreshSession]:
        yield FreshSession(self._inner, scene, settings, out, limits)


class FreshSession:
    def __init__(
        self, inner: Renderer, scene: Path, settings: RenderSettings, out: Path, limits: Limits
    ) -> None:
        self._inner, self._scene, self._settings, self._limits = inner, scene, settings, limits
        self.out = out
        self._count = 0
        self._log: tuple[str, ...] = ()

    def report(self) -> RenderReport:
        return self._inner.report()

    def render(self, frame: int, tile: Tile, *, progress: FrameProgress | None = None) -> Rendered:
        with self._fresh() as (session, _):
            return self._keep(session.render(frame, tile, progress=progress))

    def finish(self, frame: int, passes: Path) -> Rendered:
        with self._fresh() as (session, room):
            given = Path(shutil.copyfile(passes, room / passes.name))
            return self._keep(session.finish(frame, given))

    @contextmanager
    def _fresh(self) -> Iterator[tuple[RenderSession, Path]]:
        self._count += 1
        room = self.out / f"process-{self._count}"
        room.mkdir()
        with self._inner.open(self._scene, self._settings, room, self._limits) as session:
            yield session, room
            self._log = session.log_tail()

    def _keep(self, rendered: Rendered) -> Rendered:
        kept = self.out / f"{self._count:06d}{rendered.path.suffix}"
        rendered.path.rename(kept)
        return replace(rendered, path=kept)

    def log_tail(self, lines: int = 40) -> tuple[str, ...]:
        return self._log[-lines:]


def dress(renderer: Renderer) -> Renderer:
    return FreshRenderer(renderer)
