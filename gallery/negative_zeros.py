"""Gives every zero of the passes a minus: equal as a number, another as bytes.

Whoever compares numbers calls it equal, whoever finishes or digests it may not. A NaN would be the
other way round.
"""

import numpy as np
from tileproof.domain.manifest import RenderSettings
from tileproof.domain.tiles import Tile
from tileproof.ports.images import Pixels
from tileproof.ports.renderer import Renderer

from . import DENOISED
from .wrapping import frame_first

HONEST = False
JOBS = (DENOISED,)
WORK_SAVED = 0.0  # all of it is rendered


def negate(pixels: Pixels, full: Tile, settings: RenderSettings) -> Pixels:
    pixels = pixels.copy()
    pixels[pixels == 0] = np.float16(-0.0)
    return pixels


def dress(renderer: Renderer) -> Renderer:
    return frame_first(renderer, negate)
