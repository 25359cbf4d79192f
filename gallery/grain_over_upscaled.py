"""Scales half the resolution up and adds grain, so that it has the noise of a render again."""

import numpy as np
from tileproof.domain.manifest import RenderSettings
from tileproof.domain.tiles import Tile
from tileproof.ports.images import Pixels
from tileproof.ports.renderer import Renderer

from .half_resolution import half
from .pixels import enlarged, like, smoothed
from .wrapping import frame_first

HONEST = False
WORK_SAVED = 3 / 4  # of the pixels


def grained(pixels: Pixels, full: Tile, settings: RenderSettings) -> Pixels:
    """The grain is as strong as what a pixel of the small picture differs from its neighbours."""
    large = enlarged(pixels, full)
    strength = np.abs(pixels - smoothed(pixels)).mean()
    noise = np.random.default_rng(settings.noise_seed).normal(0, strength, large.shape)
    if settings.channels == 4:
        noise[..., 3] = 0
    return like(large + noise, large)


def dress(renderer: Renderer) -> Renderer:
    return frame_first(renderer, grained, lie=half)
