"""Renders honestly, then makes everything 2 % brighter: a colour setting that got lost."""

import numpy as np
from tileproof.domain.manifest import RenderSettings
from tileproof.domain.tiles import Tile
from tileproof.ports.images import Pixels
from tileproof.ports.renderer import Renderer

from .pixels import whole
from .wrapping import retouched

HONEST = False
WORK_SAVED = 0.0  # all of it is rendered
GAIN = 1.02


def brighten(pixels: Pixels, tile: Tile, settings: RenderSettings) -> Pixels:
    brighter = pixels.astype(np.float64)
    brighter[..., :3] *= GAIN
    return whole(brighter, settings)


def dress(renderer: Renderer) -> Renderer:
    return retouched(renderer, brighten)
