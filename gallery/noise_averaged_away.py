"""Renders three quarters of the samples, and averages away the noise that the missing quarter leaves.

Each pixel becomes three quarters itself and a quarter the mean around it, so that the noise is as
low as that of honest work.
"""

import numpy as np
from tileproof.domain.manifest import RenderSettings
from tileproof.domain.tiles import Tile
from tileproof.ports.images import Pixels
from tileproof.ports.renderer import Renderer

from .pixels import like, smoothed
from .three_quarters_of_the_samples import three_quarters
from .wrapping import frame_first

HONEST = False
WORK_SAVED = 1 / 4  # of the samples


def averaged(pixels: Pixels, full: Tile, settings: RenderSettings) -> Pixels:
    return like(0.75 * pixels.astype(np.float64) + 0.25 * smoothed(pixels), pixels)


def dress(renderer: Renderer) -> Renderer:
    return frame_first(renderer, averaged, lie=three_quarters)
