"""Delivers what was rendered for somebody else: the right size and format, another scene.

The other picture is made up here: soft lights that move with the frame, under a render's noise.
"""

import numpy as np
from tileproof.domain.tiles import Tile
from tileproof.ports.images import ImageFormat, Pixels
from tileproof.ports.renderer import FrameProgress, Rendered, Renderer

from .pixels import cropped, nearest, write
from .wrapping import WrappedRenderer, WrappedSession

HONEST = False
WORK_SAVED = 1.0  # it was paid for once already


def other_picture(frame: int, wanted: ImageFormat) -> Pixels:
    """What ``wanted`` asks for, of a scene that nobody asked for."""
    y, x = np.mgrid[0.0 : wanted.height, 0.0 : wanted.width] / max(wanted.width, wanted.height)
    random = np.random.default_rng(frame)
    light = np.full((wanted.height, wanted.width, wanted.channels), 0.08)
    for number in range(5):
        at_x, at_y = 0.5 + 0.4 * np.cos(number + 0.1 * frame), 0.3 + 0.2 * np.sin(2.1 * number + 0.07 * frame)
        glow = np.exp(-60 * ((x - at_x) ** 2 + (y - at_y) ** 2))
        light += glow[..., None] * np.abs(np.sin(number + np.arange(wanted.channels)))
    light += random.normal(0, 0.02, light.shape)
    if wanted.channels in (4, 10):
        light[..., 3] = 1.0
    if wanted.container == "EXR":
        return nearest(light, wanted.depth, passes=True)
    return nearest(np.clip(light, 0, 1) * ((1 << wanted.depth) - 1), wanted.depth, passes=False)


class Session(WrappedSession):
    def render(self, frame: int, tile: Tile, *, progress: FrameProgress | None = None) -> Rendered:
        wanted = ImageFormat.audited(self.settings, self.settings.full_frame)
        path = self.out / f"another-{frame:06d}-{tile}.{wanted.container.lower()}"
        write(cropped(other_picture(frame, wanted), tile), path)
        return Rendered(path=path, frame=frame, tile=tile, seconds=0.0)


def dress(renderer: Renderer) -> Renderer:
    return WrappedRenderer(renderer, session=Session)
