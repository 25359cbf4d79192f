"""What the gallery's renderers are made of: a renderer around another one."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from tileproof.domain.manifest import RenderSettings
from tileproof.domain.tiles import Tile
from tileproof.ports.images import Pixels
from tileproof.ports.renderer import (
    FrameProgress,
    Limits,
    Rendered,
    Renderer,
    RenderReport,
    RenderSession,
)

from .pixels import cropped, read, read_picture, write

Lie = Callable[[RenderSettings], RenderSettings]
"""The settings that are really rendered with, of those that the job asks for."""


class WrappedSession:
    """Passes everything on; entries override ``render``, and ``finish`` for frames finished from
    passes."""

    def __init__(self, inner: RenderSession, settings: RenderSettings) -> None:
        self.inner, self.settings = inner, settings

    @property
    def out(self) -> Path:
        return self.inner.out

    def report(self) -> RenderReport:
        return self.inner.report()

    def render(self, frame: int, tile: Tile, *, progress: FrameProgress | None = None) -> Rendered:
        return self.inner.render(frame, tile, progress=progress)

    def finish(self, frame: int, passes: Path) -> Rendered:
        return self.inner.finish(frame, passes)

    def log_tail(self, lines: int = 40) -> tuple[str, ...]:
        return self.inner.log_tail(lines)


Session = Callable[[RenderSession, RenderSettings], RenderSession]


class WrappedRenderer:
    """Opens ``inner`` with the settings that ``lie`` makes of the job's, and the limits that
    ``stretch`` makes of the worker's; every session is dressed by ``session``, which is given
    the job's settings. Where a lie changes what finishing is given, an honest session finishes."""

    def __init__(
        self,
        inner: Renderer,
        *,
        lie: Lie = lambda settings: settings,
        stretch: Callable[[Limits], Limits] = lambda limits: limits,
        session: Session = lambda inner, _: inner,
    ) -> None:
        self._inner, self._lie, self._stretch, self._session = inner, lie, stretch, session

    def report(self) -> RenderReport:
        return self._inner.report()

    @contextmanager
    def open(
        self, scene: Path, settings: RenderSettings, out: Path, limits: Limits
    ) -> Iterator[RenderSession]:
        actual, stretched = self._lie(settings), self._stretch(limits)
        with self._inner.open(scene, actual, out, stretched) as session:
            if not settings.has_passes or _finishes_as(actual) == _finishes_as(settings):
                yield self._session(session, settings)
                return
            with Others(self._inner, scene, out, stretched) as others:
                yield self._session(FinishedElsewhere(session, settings, others), settings)


def _finishes_as(settings: RenderSettings) -> tuple[object, ...]:
    return settings.width_px, settings.height_px, settings.pass_channels, settings.denoise, settings.composite


class Others:
    """Sessions of the same scene with other settings, each started when first asked for, in a folder
    of its own inside ``out``."""

    def __init__(self, renderer: Renderer, scene: Path, out: Path, limits: Limits) -> None:
        self._renderer, self._scene, self._out, self._limits = renderer, scene, out, limits
        self._stack = ExitStack()
        self._open: dict[RenderSettings, RenderSession] = {}

    def __enter__(self) -> Others:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def with_settings(self, settings: RenderSettings) -> RenderSession:
        if settings not in self._open:
            folder = self._out / f"beside-{len(self._open) + 1}"
            folder.mkdir()
            opened = self._renderer.open(self._scene, settings, folder, self._limits)
            self._open[settings] = self._stack.enter_context(opened)
        return self._open[settings]

    def finish(self, settings: RenderSettings, frame: int, passes: Path) -> Rendered:
        """Finishes passes that lie in another session's folder."""
        session = self.with_settings(settings)
        return session.finish(frame, Path(shutil.copy(passes, session.out / f"given-{passes.name}")))


class FinishedElsewhere(WrappedSession):
    """Renders by one session and finishes by another, which has the job's own settings."""

    def __init__(self, inner: RenderSession, settings: RenderSettings, others: Others) -> None:
        super().__init__(inner, settings)
        self._others = others

    def finish(self, frame: int, passes: Path) -> Rendered:
        return self._others.finish(self.settings, frame, passes)


Retouch = Callable[[Pixels, Tile, RenderSettings], Pixels]
"""Pixels of a tile, the tile in full-frame coordinates, the job's settings."""


def retouched(renderer: Renderer, retouch: Retouch) -> Renderer:
    """Renders honestly, then changes the picture; ``retouch`` looks at one pixel at a time, so that
    tiles and frames agree. Where there are passes they stay honest."""

    class Session(WrappedSession):
        def render(self, frame: int, tile: Tile, *, progress: FrameProgress | None = None) -> Rendered:
            rendered = self.inner.render(frame, tile, progress=progress)
            if not self.settings.has_passes:
                write(retouch(read(rendered, self.settings), tile, self.settings), rendered.path)
            return rendered

        def finish(self, frame: int, passes: Path) -> Rendered:
            return _retouched_finish(self.inner.finish(frame, passes), retouch, self.settings)

    return WrappedRenderer(renderer, session=Session)


def frame_retouched(renderer: Renderer, retouch: Retouch) -> Renderer:
    """As ``retouched``, with a ``retouch`` that must see the whole frame."""

    class Session(WrappedSession):
        def render(self, frame: int, tile: Tile, *, progress: FrameProgress | None = None) -> Rendered:
            if self.settings.has_passes:
                return self.inner.render(frame, tile, progress=progress)
            return _frame_first(self.inner, frame, tile, retouch, self.settings, self.settings, progress)

        def finish(self, frame: int, passes: Path) -> Rendered:
            return _retouched_finish(self.inner.finish(frame, passes), retouch, self.settings)

    return WrappedRenderer(renderer, session=Session)


def _retouched_finish(finished: Rendered, retouch: Retouch, settings: RenderSettings) -> Rendered:
    write(retouch(read_picture(finished, settings), settings.full_frame, settings), finished.path)
    return finished


def frame_first(renderer: Renderer, retouch: Retouch, lie: Lie = lambda settings: settings) -> Renderer:
    """Always renders the whole frame, changes it as a whole and hands out parts of it: of the passes
    where there are any, else of the picture.

    With a ``lie`` about the resolution, ``retouch`` gets fewer pixels and returns the job's number.
    """

    class Session(WrappedSession):
        def render(self, frame: int, tile: Tile, *, progress: FrameProgress | None = None) -> Rendered:
            actual = lie(self.settings)
            return _frame_first(self.inner, frame, tile, retouch, actual, self.settings, progress)

    return WrappedRenderer(renderer, lie=lie, session=Session)


def _frame_first(
    inner: RenderSession,
    frame: int,
    tile: Tile,
    retouch: Retouch,
    actual: RenderSettings,
    settings: RenderSettings,
    progress: FrameProgress | None,
) -> Rendered:
    rendered = inner.render(frame, actual.full_frame, progress=progress)
    changed = retouch(read(rendered, actual), settings.full_frame, settings)
    write(cropped(changed, tile), rendered.path)
    return replace(rendered, tile=tile)


class Frame:
    """One whole frame as ``mixed`` sees it; each way of rendering it is paid for when it is looked at.
    Passes where the settings ask for any, else pictures."""

    def __init__(
        self, number: int, settings: RenderSettings, honest: RenderSession, cheap: Callable[[], RenderSession]
    ) -> None:
        self.number, self.settings, self._honest, self._cheap = number, settings, honest, cheap

    @cached_property
    def honest(self) -> Pixels:
        return self.of(self.number)

    @cached_property
    def cheap(self) -> Pixels:
        return self.of(self.number, cheaply=True)

    def of(self, number: int, *, cheaply: bool = False) -> Pixels:
        """Another frame of the same shot."""
        session = self._cheap() if cheaply else self._honest
        return read(session.render(number, self.settings.full_frame), self.settings)


Mix = Callable[[Frame], Pixels]


class MixedSession(WrappedSession):
    """``inner`` renders honestly, ``cheap`` starts or finds the session with the lie's settings."""

    def __init__(
        self,
        inner: RenderSession,
        settings: RenderSettings,
        cheap: Callable[[], RenderSession],
        mix: Mix,
    ) -> None:
        super().__init__(inner, settings)
        self.cheap, self._mix, self._count = cheap, mix, 0

    def render(self, frame: int, tile: Tile, *, progress: FrameProgress | None = None) -> Rendered:
        self._count += 1
        seen = Frame(frame, self.settings, self.inner, self.cheap)
        path = self.out / f"mixed-{self._count:06d}{'.exr' if self.settings.has_passes else '.png'}"
        write(cropped(self._mix(seen), tile), path)
        if progress is not None:
            progress(frame, 1.0)
        return Rendered(path=path, frame=frame, tile=tile, seconds=0.0)


class _Mixed:
    def __init__(self, inner: Renderer, lie: Lie, mix: Mix, session: type[MixedSession]) -> None:
        self._inner, self._lie, self._mix, self._session = inner, lie, mix, session

    def report(self) -> RenderReport:
        return self._inner.report()

    @contextmanager
    def open(
        self, scene: Path, settings: RenderSettings, out: Path, limits: Limits
    ) -> Iterator[RenderSession]:
        with (
            self._inner.open(scene, settings, out, limits) as honest,
            Others(self._inner, scene, out, limits) as others,
        ):
            yield self._session(
                honest, settings, lambda: others.with_settings(self._lie(settings)), self._mix
            )


def mixed(renderer: Renderer, lie: Lie, mix: Mix, session: type[MixedSession] = MixedSession) -> Renderer:
    """Frames that ``mix`` puts together from honest ones and from those that ``lie`` renders."""
    return _Mixed(renderer, lie, mix, session)
