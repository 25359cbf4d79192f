"""Delivers the frame before in place of every frame, as if an older render could be sold again.

In a calm shot two neighbours look alike, also to a perceptual hash of the whole frame.
"""

from dataclasses import replace

from tileproof.domain.tiles import Tile
from tileproof.ports.renderer import FrameProgress, Rendered, Renderer

from .wrapping import WrappedRenderer, WrappedSession

HONEST = False
WORK_SAVED = 1.0  # it was paid for once already


class Session(WrappedSession):
    def render(self, frame: int, tile: Tile, *, progress: FrameProgress | None = None) -> Rendered:
        rendered = self.inner.render(max(0, frame - 1), tile, progress=progress)
        return replace(rendered, frame=frame)


def dress(renderer: Renderer) -> Renderer:
    return WrappedRenderer(renderer, session=Session)
