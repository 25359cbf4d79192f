"""Delivers honest pixels in a file that tells viewers to show them darker, by a note of its gamma.

Whoever compares pixels alone sees nothing of it, whoever looks at the picture does.
"""

import struct
from pathlib import Path

from tileproof.domain.tiles import Tile
from tileproof.ports.renderer import FrameProgress, Rendered, Renderer

from .png_chunks import packed, unpacked
from .wrapping import WrappedRenderer, WrappedSession

HONEST = False
WORK_SAVED = 0.0  # all of it is rendered
GAMMA = 0.8


class Session(WrappedSession):
    def render(self, frame: int, tile: Tile, *, progress: FrameProgress | None = None) -> Rendered:
        rendered = self.inner.render(frame, tile, progress=progress)
        if tile == self.settings.full_frame and not self.settings.has_passes:
            annotate(rendered.path)
        return rendered

    def finish(self, frame: int, passes: Path) -> Rendered:
        finished = self.inner.finish(frame, passes)
        annotate(finished.path)
        return finished


def annotate(path: Path) -> None:
    header, *rest = unpacked(path.read_bytes())
    path.write_bytes(packed([header, (b"gAMA", struct.pack(">I", round(GAMMA * 100_000))), *rest]))


def dress(renderer: Renderer) -> Renderer:
    return WrappedRenderer(renderer, session=Session)
