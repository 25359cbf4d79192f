"""Renders the noisy pass of a denoised job honestly, and smooths the denoiser's guides beside it."""

import numpy as np
from tileproof.domain.manifest import RenderSettings
from tileproof.domain.tiles import Tile
from tileproof.ports.images import Pixels
from tileproof.ports.renderer import Renderer

from . import DENOISED
from .pixels import like, smoothed
from .wrapping import frame_first

HONEST = False
JOBS = (DENOISED,)
WORK_SAVED = 0.0  # all of it is rendered


def smooth(pixels: Pixels, full: Tile, settings: RenderSettings) -> Pixels:
    values = pixels.astype(np.float64)
    values[..., settings.channels :] = smoothed(pixels[..., settings.channels :])
    return like(values, pixels)


def dress(renderer: Renderer) -> Renderer:
    return frame_first(renderer, smooth)
