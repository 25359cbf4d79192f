"""Honest: renders every frame as four tiles and joins them, as a machine short of memory would."""

from dataclasses import replace

import numpy as np
from tileproof.domain.tiles import Grid, Tile
from tileproof.ports.renderer import FrameProgress, Rendered, Renderer

from .pixels import read, write
from .wrapping import WrappedRenderer, WrappedSession

HONEST = True


class Session(WrappedSession):
    def render(self, frame: int, tile: Tile, *, progress: FrameProgress | None = None) -> Rendered:
        pieces = Grid(tile, min(2, tile.width), min(2, tile.height)).tiles()
        rendered = [self.inner.render(frame, piece) for piece in reversed(pieces)]
        pixels = [read(each, self.settings) for each in rendered]
        whole = np.zeros((tile.height, tile.width, pixels[0].shape[-1]), pixels[0].dtype)
        for each, piece in zip(rendered, pixels, strict=True):
            at = each.tile.relative_to(tile)
            whole[at.y0 : at.y1, at.x0 : at.x1] = piece
        write(whole, rendered[0].path)
        if progress is not None:
            progress(frame, 1.0)
        return replace(rendered[0], tile=tile, seconds=sum(each.seconds for each in rendered))


def dress(renderer: Renderer) -> Renderer:
    return WrappedRenderer(renderer, session=Session)
