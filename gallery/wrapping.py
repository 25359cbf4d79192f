"""What the gallery's renderers are made of: a renderer around another one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tileproof.adapters.images import ChildDecoder
from tileproof.domain.manifest import RenderSettings
from tileproof.domain.tiles import Tile
from tileproof.ports.images import ImageFormat, Pixels
from tileproof.ports.renderer import (
    FrameProgress,
    Limits,
    Rendered,
    Renderer,
    RenderReport,
    RenderSession,
)


class WrappedSession:
    """Passes everything on; entries override ``render``, and ``finish`` for frames finished from
    passes."""

    def __init__(self, inner: RenderSession, settings: RenderSettings) -> None:
        self.inner, self.settings = inner, settings

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
    the job's settings."""

    def __init__(
        self,
        inner: Renderer,
        *,
        lie: Callable[[RenderSettings], RenderSettings] = lambda settings: settings,
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
        with self._inner.open(scene, self._lie(settings), out, self._stretch(limits)) as session:
            yield self._session(session, settings)


Retouch = Callable[[Pixels, Tile, RenderSettings], Pixels]
"""Finished pixels of a tile, the tile in full-frame coordinates, the job's settings."""


def retouched(renderer: Renderer, retouch: Retouch) -> Renderer:
    """Renders honestly, then changes the pixels; ``retouch`` looks at one pixel at a time, so that
    tiles and frames agree."""

    class Session(WrappedSession):
        def render(self, frame: int, tile: Tile, *, progress: FrameProgress | None = None) -> Rendered:
            rendered = self.inner.render(frame, tile, progress=progress)
            write(retouch(read(rendered, self.settings), tile, self.settings), rendered.path)
            return rendered

    return WrappedRenderer(renderer, session=Session)


def frame_first(renderer: Renderer, retouch: Retouch, **wrapped: object) -> Renderer:
    """Always renders the whole frame, changes it as a whole and hands out parts of it.

    ``wrapped`` is passed on to WrappedRenderer. With a ``lie`` about the resolution, ``retouch``
    gets the smaller picture and returns one of the job's size.
    """

    class Session(WrappedSession):
        def render(self, frame: int, tile: Tile, *, progress: FrameProgress | None = None) -> Rendered:
            lie = wrapped.get("lie")
            actual = lie(self.settings) if callable(lie) else self.settings
            full = self.settings.full_frame
            rendered = self.inner.render(frame, actual.full_frame, progress=progress)
            whole = retouch(read(rendered, actual), full, self.settings)
            write(whole[tile.y0 : tile.y1, tile.x0 : tile.x1], rendered.path)
            return replace(rendered, tile=tile)

    return WrappedRenderer(renderer, session=Session, **wrapped)  # type: ignore[arg-type]


def read(rendered: Rendered, settings: RenderSettings) -> Pixels:
    tile = rendered.tile
    wanted = ImageFormat(settings.container, tile.width, tile.height, settings.channels, settings.depth)
    return ChildDecoder().decode(rendered.path, wanted)


def write(pixels: Pixels, path: Path) -> None:
    ChildDecoder().encode_png(pixels, path)


def top(settings: RenderSettings) -> int:
    """The largest value of a channel."""
    return (1 << settings.depth) - 1


def whole(values: NDArray[np.float64], settings: RenderSettings) -> Pixels:
    """The nearest values that a channel can have."""
    rounded = np.clip(np.rint(values), 0, top(settings))
    return rounded.astype(np.uint8) if settings.depth == 8 else rounded.astype(np.uint16)
