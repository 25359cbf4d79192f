"""Renders every second frame, and delivers each of them twice."""

from dataclasses import replace

from tileproof.domain.tiles import Tile
from tileproof.ports.renderer import FrameProgress, Rendered, Renderer

from .wrapping import WrappedRenderer, WrappedSession

HONEST = False
WORK_SAVED = 1 / 2  # of the frames


class Session(WrappedSession):
    def render(self, frame: int, tile: Tile, *, progress: FrameProgress | None = None) -> Rendered:
        return replace(self.inner.render(frame - frame % 2, tile, progress=progress), frame=frame)


def dress(renderer: Renderer) -> Renderer:
    return WrappedRenderer(renderer, session=Session)
