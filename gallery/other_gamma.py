"""Renders honestly, then bends the tones by a gamma of 1.03."""

import numpy as np
from tileproof.domain.manifest import RenderSettings
from tileproof.domain.tiles import Tile
from tileproof.ports.images import Pixels
from tileproof.ports.renderer import Renderer

from .pixels import top, whole
from .wrapping import retouched

HONEST = False
WORK_SAVED = 0.0  # all of it is rendered
GAMMA = 1.03


def bend(pixels: Pixels, tile: Tile, settings: RenderSettings) -> Pixels:
    bent = pixels.astype(np.float64) / top(settings)
    bent[..., :3] **= GAMMA
    return whole(bent * top(settings), settings)


def dress(renderer: Renderer) -> Renderer:
    return retouched(renderer, bend)
