"""Delivers files that end in the middle, with a header that promises the rest."""

from tileproof.domain.tiles import Tile
from tileproof.ports.renderer import FrameProgress, Rendered, Renderer

from .wrapping import WrappedRenderer, WrappedSession

HONEST = False
WORK_SAVED = 0.0  # all of it is rendered


class Session(WrappedSession):
    def render(self, frame: int, tile: Tile, *, progress: FrameProgress | None = None) -> Rendered:
        rendered = self.inner.render(frame, tile, progress=progress)
        if tile == self.settings.full_frame:
            data = rendered.path.read_bytes()
            rendered.path.write_bytes(data[: len(data) // 2])
        return rendered


def dress(renderer: Renderer) -> Renderer:
    return WrappedRenderer(renderer, session=Session)
