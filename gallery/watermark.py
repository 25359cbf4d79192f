"""Renders honestly, then signs every frame with a faint diagonal pattern."""

import numpy as np
from tileproof.domain.manifest import RenderSettings
from tileproof.domain.tiles import Tile
from tileproof.ports.images import Pixels
from tileproof.ports.renderer import Renderer

from .pixels import top, whole
from .wrapping import retouched

HONEST = False
WORK_SAVED = 0.0  # all of it is rendered
PERIOD_PX = 24
LIFT = 0.02


def sign(pixels: Pixels, tile: Tile, settings: RenderSettings) -> Pixels:
    y, x = np.mgrid[tile.y0 : tile.y1, tile.x0 : tile.x1]
    lift = ((x + y) % PERIOD_PX < PERIOD_PX // 4) * max(1.0, LIFT * top(settings))
    signed = pixels.astype(np.float64)
    signed[..., :3] += lift[..., None]
    return whole(signed, settings)


def dress(renderer: Renderer) -> Renderer:
    return retouched(renderer, sign)
